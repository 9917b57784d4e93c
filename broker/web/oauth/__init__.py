"""The standard endpoints for clients of people: authorization, devices, userinfo, revocation,
logout, and the grants of `/token` that come of them (RFC 6749, 7009, 8628; OpenID Connect).

Turns requests into the values of `broker.grants` and answers in the words of the RFCs. Who logs in,
and how, is `broker.web.login`'s; what it calls when somebody is known are the completions here.
"""
