import { deepEqual, equal } from 'node:assert/strict'
import { type lookup, type LookupAddress } from 'node:dns'
import { guardedLookup } from '../../../src/mirror/guarded-lookup.ts'
import { addressRule } from '../../../src/mirror/private-addresses.ts'

describe('addressRule', () => {
  const isPublic = addressRule([])

  const refused =
    '0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.31.255.255 192.168.1.1 198.18.0.1 224.0.0.1 255.255.255.255 ' +
    ':: ::1 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: 2001:0:1::1 fd00:ec2::254 fe80::1 fe80::1%eth0 ff02::1 name'
  for (const address of refused.split(' ')) {
    it(`refuses ${address}`, () => {
      equal(isPublic(address), false)
    })
  }

  for (const address of ['1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:1.1.1.1']) {
    it(`allows ${address}`, () => {
      equal(isPublic(address), true)
    })
  }

  it('allows the networks that are listed, in any clothes, and no others', () => {
    const isAllowed = addressRule([
      { address: '10.0.0.0', prefix: 8 },
      { address: '::1', prefix: 128 },
    ])
    deepEqual(['10.1.2.3', '::ffff:10.1.2.3', '::1', '192.168.0.1'].map(isAllowed), [true, true, true, false])
  })
})

describe('guardedLookup', () => {
  type Found = string | readonly LookupAddress[] | Error

  async function find(addresses: readonly string[], all: boolean): Promise<Found> {
    const resolve = ((_name: string, _options: unknown, callback: (...args: unknown[]) => void) => {
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      )
    }) as unknown as typeof lookup
    return new Promise((done) => {
      guardedLookup(addressRule([]), resolve)('a.example.org', { all }, (error, found) => {
        done(error ?? found)
      })
    })
  }

  it('gives a socket the public addresses of a name only, however it asks', async () => {
    deepEqual(await find(['10.0.0.1', '1.1.1.1'], true), [{ address: '1.1.1.1', family: 4 }])
    equal(await find(['10.0.0.1', '1.1.1.1'], false), '1.1.1.1')
  })

  it('refuses a name that has none', async () => {
    const error = await find(['169.254.169.254'], true)
    equal(
      error instanceof Error && error.message,
      '"a.example.org" is at a private address (169.254.169.254), in no network that privateAddresses lists',
    )
  })
})
