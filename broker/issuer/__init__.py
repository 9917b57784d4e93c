"""Our signature: signing keys and their rotation, the signer, and the tokens that it signs.

Owns private keys, in memory and as they are wrapped at rest, and the shape of our tokens. Reaches
the stored key log through `keyring.KeyLog` only, decides nobody's rights, and verifies nothing:
tokens, ours as well, are verified in `broker.upstream`.
"""
