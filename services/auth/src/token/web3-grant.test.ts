import { generateKeyPairSync, sign as signEd25519 } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { expect, test } from 'vitest'
import { claimsOf, startAuth } from '../../test/start-auth.ts'

interface Parts {
  readonly domain?: string
  readonly uri?: string
  readonly lines?: readonly string[]
  readonly issuedAt?: Date
}

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000)

function write(title: string, address: string, { domain, uri, lines = [], issuedAt }: Parts = {}): string {
  return [
    `${domain ?? 'app.example.com'} wants you to sign in with your ${title} account:`,
    address,
    '',
    'I accept the terms',
    '',
    `URI: ${uri ?? 'https://app.example.com/login'}`,
    'Version: 1',
    title === 'Ethereum' ? 'Chain ID: 1' : 'Chain ID: solana:mainnet',
    'Nonce: 12345678',
    `Issued At: ${(issuedAt ?? new Date()).toISOString()}`,
    ...lines,
  ].join('\n')
}

function createEthereumWallet() {
  const key = secp256k1.utils.randomSecretKey()
  const publicKey = secp256k1.getPublicKey(key, false)
  const address = `0x${Buffer.from(keccak_256(publicKey.subarray(1)).subarray(12)).toString('hex')}`
  const sign = (message: string) => {
    const text = Buffer.from(message)
    const prefix = Buffer.from(`\x19Ethereum Signed Message:\n${text.length}`)
    const hash = keccak_256(Buffer.concat([prefix, text]))
    const bytes = secp256k1.sign(hash, key, { prehash: false, format: 'recovered' })
    const v = (27 + (bytes[0] ?? 0)).toString(16)
    return `0x${Buffer.from(bytes.subarray(1)).toString('hex')}${v}`
  }
  return { address, sign, chain: 'ethereum', title: 'Ethereum' }
}

function createSolanaWallet() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let address = ''
  for (let value = BigInt(`0x${raw.toString('hex')}`); value > 0n; value /= 58n)
    address = (alphabet[Number(value % 58n)] ?? '') + address
  // Base58 writes a leading zero byte as a 1; one key in 256 has one.
  address = '1'.repeat(raw.findIndex((byte) => byte !== 0)) + address
  const sign = (message: string) => signEd25519(null, Buffer.from(message), privateKey).toString('base64')
  return { address, sign, chain: 'solana', title: 'Solana' }
}

const start = () =>
  startAuth({
    auth: {
      siteUrl: 'https://app.example.com',
      uriAllowList: ['https://other.example.com/**'],
      web3EthereumEnabled: true,
      web3SolanaEnabled: true,
    },
  })

test('who holds a wallet’s key has an account, the same each time', async () => {
  const auth = await start()
  for (const wallet of [createEthereumWallet(), createSolanaWallet()]) {
    const ask = () => {
      const message = write(wallet.title, wallet.address)
      return auth.post('/token?grant_type=web3', {
        chain: wallet.chain,
        message,
        signature: wallet.sign(message),
      })
    }
    const { status, body } = await ask()
    expect(status).toBe(200)
    expect(claimsOf(body.access_token).amr).toMatchObject([{ method: 'web3' }])
    expect(body.user).toMatchObject({
      email: '',
      app_metadata: { provider: 'web3' },
      identities: [{ provider: 'web3', id: `web3:${wallet.chain}:${wallet.address}` }],
      user_metadata: {
        custom_claims: {
          address: wallet.address,
          chain: wallet.chain,
          domain: 'app.example.com',
          statement: 'I accept the terms',
        },
      },
    })
    expect((await ask()).body.user.id).toBe(body.user.id)
  }
})

test('messages for another site, of another time, or by another key are refused', async () => {
  const auth = await start()
  for (const wallet of [createEthereumWallet(), createSolanaWallet()]) {
    const { title, chain, address } = wallet
    const ask = async (message: string, signer = wallet) =>
      (await auth.post('/token?grant_type=web3', { chain, message, signature: signer.sign(message) })).body
    const refused = (error_description: string) => ({ error: 'invalid_grant', error_description })
    const table: [Parts, string][] = [
      [
        { uri: 'https://evil.test/' },
        `Signed ${title} message is using URI which is not allowed on this server, message was signed for another app`,
      ],
      [{ uri: 'http://app.example.com/' }, `Signed ${title} message is using URI which does not use HTTPS`],
      [
        { domain: 'evil.test' },
        `Signed ${title} message is using a Domain that does not match the one in URI which is not allowed on this server`,
      ],
      [{ issuedAt: inMinutes(-11) }, `${title} message was issued too long ago`],
      [{ issuedAt: inMinutes(11) }, `${title} message was issued too far in the future`],
      [
        { lines: [`Expiration Time: ${inMinutes(-1).toISOString()}`], issuedAt: inMinutes(-5) },
        `Signed ${title} message is expired`,
      ],
      [
        { lines: [`Not Before: ${inMinutes(1).toISOString()}`] },
        `Signed ${title} message becomes valid in the future`,
      ],
    ]
    for (const [parts, description] of table)
      expect(await ask(write(title, address, parts))).toEqual(refused(description))
    const thief = title === 'Ethereum' ? createEthereumWallet() : createSolanaWallet()
    expect(await ask(write(title, address), thief)).toEqual(
      refused('Signature does not match address in message'),
    )
  }
})

test('what is no message is told', async () => {
  const auth = await start()
  const { address, sign } = createEthereumWallet()
  const good = write('Ethereum', address)
  const ask = async (message: string, signature = sign(message), chain = 'ethereum') =>
    (await auth.post('/token?grant_type=web3', { chain, message, signature })).body
  const table: [string, string][] = [
    ['short', 'message is too short'],
    ['x'.repeat(21_000), 'message must not exceed 20KB'],
    ['x'.repeat(100), 'siwe: message needs at least 6 lines'],
    [
      good.replace('wants you', 'asks you'),
      'siwe: message first line does not end in " wants you to sign in with your Ethereum account:"',
    ],
    [
      good.replace('app.example.com wants', 'a b wants'),
      'siwe: domain in first line of message is not valid',
    ],
    [good.replace(address, '0x12'), 'siwe: wallet address is not a valid Ethereum address'],
    [good.replace('Version: 1', 'Version: 2'), 'siwe: Version value is not supported, expected 1 got "2"'],
    [good.replace('Chain ID: 1', 'Chain ID: x'), 'siwe: Chain ID is not valid'],
    [good.replace(/Issued At: .*/, 'Issued At: now'), 'siwe: Issued At is not a valid ISO8601 timestamp'],
    [good.replace(/URI: .*\n/, ''), 'siwe: URI is not specified'],
    [`${good}\nnonsense`, 'siwe: encountered unparsable line at index 10'],
    [`${good}\nResources:\n- nonsense`, 'siwe: Resource at position 0 has invalid URI'],
  ]
  for (const [message, msg] of table) expect((await ask(message)).msg, msg).toBe(msg)
  expect((await ask(good, '0x12')).msg).toMatch(/^signature must be 65 bytes/)
  expect((await ask(good, `0x${'zz'.repeat(65)}`)).message).toBeUndefined()
  expect(await ask(good, 'x', 'bitcoin')).toMatchObject({ error_code: 'web3_unsupported_chain' })
  const off = await auth.with({ web3EthereumEnabled: false })
  expect(await off.post('/token?grant_type=web3', { chain: 'ethereum' })).toMatchObject({
    status: 422,
    body: { error_code: 'web3_provider_disabled', msg: 'Ethereum Web3 provider is disabled' },
  })
})
