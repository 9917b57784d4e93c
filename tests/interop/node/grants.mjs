// openid-client and oauth4webapi get a token by RFC 7523: as a grant, and as a client's assertion.
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'

const { issuer, identity, token, audience, grant } = JSON.parse(process.argv[2])

// a client authentication of our own: the assertion is somebody else's, so no key is needed
const assertion = (as, { client_id }, body) => {
  body.set('client_id', client_id)
  body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  body.set('client_assertion', token)
}
const insecure = { [oauth.allowInsecureRequests]: true }

const grants = {
  async 'openid-client jwt-bearer'() {
    const config = await client.discovery(new URL(issuer), identity, undefined, client.None(),
      { execute: [client.allowInsecureRequests], algorithm: 'oauth2' })
    return client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      { assertion: token, audience })
  },
  async 'openid-client client_credentials'() {
    const config = await client.discovery(new URL(issuer), identity, undefined, assertion,
      { execute: [client.allowInsecureRequests], algorithm: 'oauth2' })
    return client.clientCredentialsGrant(config, { scope: `${audience}/.default` })
  },
  async 'oauth4webapi client_credentials'() {
    const url = new URL(issuer)
    const as = await oauth.processDiscoveryResponse(url,
      await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure }))
    const response = await oauth.clientCredentialsGrantRequest(
      as, { client_id: identity }, assertion, { resource: audience }, insecure)
    return oauth.processClientCredentialsResponse(as, { client_id: identity }, response)
  },
}
try {
  console.log(JSON.stringify({ ...await grants[grant]() }))
} catch (error) {
  console.log(JSON.stringify({ error: error.error, description: error.error_description, status: error.status }))
}
