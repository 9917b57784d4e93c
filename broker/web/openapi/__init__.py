"""The OpenAPI 3.1 document of this broker, made from the contract, and the page that shows it.

Nothing about a method is written here: paths, parameters, bodies, answers, capabilities, events and
descriptions come from the descriptors. Only what is no method of the contract is told by hand
(`endpoints`).
"""
