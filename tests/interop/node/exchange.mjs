// openid-client discovers the broker and exchanges a token (RFC 8693) as a public client.
import * as client from 'openid-client'

const { issuer, identity, token, audience } = JSON.parse(process.argv[2])

const config = await client.discovery(
  new URL(issuer), identity, undefined, client.None(),
  { execute: [client.allowInsecureRequests], algorithm: 'oauth2' },
)
try {
  const answer = await client.genericGrantRequest(
    config, 'urn:ietf:params:oauth:grant-type:token-exchange',
    {
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      audience,
    },
  )
  console.log(JSON.stringify({ ...answer, expires_in: answer.expires_in }))
} catch (error) {
  console.log(JSON.stringify({ error: error.error, description: error.error_description, status: error.status }))
}
