"""People who log in: what they came for, the way to their provider and back, their sessions.

Knows neither pages nor cookies; `broker.web.login` turns requests into the values that it takes.
What is remembered between two requests is in `broker.state`, bound to the browser that began.
"""
