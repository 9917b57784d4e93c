// openid-client and oauth4webapi log a person in: discovery, authorization code with PKCE, userinfo,
// refresh, revocation; and the device flow. The person is at the test: a line out says where to send
// them, a line in where they came back.
import * as readline from 'node:readline/promises'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'

const { issuer, clientId, redirectUri, flow } = JSON.parse(process.argv[2])
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const tell = (members) => console.log(JSON.stringify(members))
const asked = async (members) => {
  tell(members)
  return JSON.parse((await lines.next()).value)
}
const insecure = { [oauth.allowInsecureRequests]: true }

const flows = {
  async 'openid-client code'() {
    const config = await client.discovery(new URL(issuer), clientId, undefined, client.None(),
      { execute: [client.allowInsecureRequests] })
    const verifier = client.randomPKCECodeVerifier()
    const [state, nonce] = [client.randomState(), client.randomNonce()]
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri, scope: 'openid email profile offline_access', state, nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256', prompt: 'consent',
    })
    const { callback } = await asked({ url: url.href })
    const tokens = await client.authorizationCodeGrant(config, new URL(callback),
      { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true })
    const claims = tokens.claims()
    const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
    const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
    await client.tokenRevocation(config, renewed.refresh_token)
    let revoked
    try {
      await client.refreshTokenGrant(config, renewed.refresh_token)
    } catch (error) {
      revoked = error.error
    }
    const bye = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token })
    return { claims, info, revoked, bye: bye.href, renewed: renewed.claims().sub }
  },
  async 'openid-client device'() {
    const config = await client.discovery(new URL(issuer), clientId, undefined, client.None(),
      { execute: [client.allowInsecureRequests] })
    const begun = await client.initiateDeviceAuthorization(config, { scope: 'openid email' })
    await asked({ url: begun.verification_uri_complete, user_code: begun.user_code })
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...begun, interval: 0.1 })
    return { claims: tokens.claims() }
  },
  async 'oauth4webapi code'() {
    const url = new URL(issuer)
    const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, insecure))
    const me = { client_id: clientId }
    const verifier = oauth.generateRandomCodeVerifier()
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
    const authorize = new URL(as.authorization_endpoint)
    for (const [name, value] of Object.entries({
      client_id: clientId, redirect_uri: redirectUri, response_type: 'code', scope: 'openid email',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
      state, nonce, max_age: '600',
    })) authorize.searchParams.set(name, value)
    const { callback } = await asked({ url: authorize.href })
    // checks `iss` (RFC 9207), which discovery promises
    const parameters = oauth.validateAuthResponse(as, me, new URL(callback), state)
    const response = await oauth.authorizationCodeGrantRequest(
      as, me, oauth.None(), parameters, redirectUri, verifier, insecure)
    const tokens = await oauth.processAuthorizationCodeResponse(as, me, response,
      { expectedNonce: nonce, maxAge: 600, requireIdToken: true })
    await oauth.validateApplicationLevelSignature(as, response, insecure)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    const info = await oauth.processUserInfoResponse(as, me, claims.sub,
      await oauth.userInfoRequest(as, me, tokens.access_token, insecure))
    return { claims, info }
  },
}
try {
  tell({ done: await flows[flow]() })
} catch (error) {
  tell({ failed: `${error.name} ${error.code}: ${error.message}`, cause: String(error.cause?.message ?? error.error ?? '') })
}
process.exit(0)
