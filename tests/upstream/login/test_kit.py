"""The provider that the tests of logins stand on."""

from __future__ import annotations

from yarl import URL

from tests.kit.oidc_provider import running_provider

CALLBACK = "http://127.0.0.1:9/oauth/callback"


async def test_a_browser_comes_back() -> None:
    """A browser that is sent to the provider comes back with a code, or with the error that the
    test has asked for."""
    async with running_provider() as provider:
        await provider.add_client("public", redirect_uris=[CALLBACK])
        await provider.account("ann", email="ann@acme.example", email_verified=True)
        url = URL(f"{provider.issuer}/auth").with_query(
            response_type="code",
            client_id="public",
            redirect_uri=CALLBACK,
            scope="openid",
            state="s",
            nonce="n",
            code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            code_challenge_method="S256",
        )
        back = URL(await provider.authorize(str(url)))
        assert str(back.with_query(None)) == CALLBACK
        assert (back.query["state"], back.query["iss"]) == ("s", provider.issuer)
        assert back.query["code"]
        await provider.fail("access_denied", "no")
        back = URL(await provider.authorize(str(url)))
        assert back.query["error"] == "access_denied"
        await provider.fail("")
        await provider.rotate_keys()
        assert URL(await provider.authorize(str(url), account="ann")).query["code"]
