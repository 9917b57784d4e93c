// jose verifies a token of the broker's through its published keys.
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { issuer, token, audience, jwks } = JSON.parse(process.argv[2])
try {
  const { payload, protectedHeader } = await jwtVerify(
    token, createRemoteJWKSet(new URL(jwks)), { issuer, audience, typ: 'at+jwt' },
  )
  console.log(JSON.stringify({ payload, protectedHeader }))
} catch (error) {
  console.log(JSON.stringify({ error: error.code }))
}
