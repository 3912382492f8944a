import assert from 'node:assert/strict'
import { packetTags } from '../../../src/provenance/packet-tags.ts'

function packet(header: readonly number[], length: number): Buffer {
  return Buffer.concat([Buffer.from(header), Buffer.alloc(length)])
}

describe('packetTags', () => {
  const lengths: [what: string, bytes: Buffer, tag: number][] = [
    ['one old octet', packet([0x98, 5], 5), 6],
    ['two old octets', packet([0x99, 1, 0], 256), 6],
    ['four old octets', packet([0x9a, 0, 1, 0, 0], 65536), 6],
    ['one new octet', packet([0xc6, 191], 191), 6],
    ['two new octets', packet([0xc5, 193, 7], 455), 5],
    ['five new octets', packet([0xc7, 255, 0, 1, 0, 0], 65536), 7],
  ]
  for (const [what, bytes, tag] of lengths) {
    it(`reads a length of ${what}`, () => {
      assert.deepEqual(packetTags(Buffer.concat([bytes, packet([0xcd, 0], 0)])), [tag, 13])
      assert.equal(packetTags(bytes.subarray(0, -1)), undefined)
    })
  }

  const refused: Record<string, number[]> = {
    'no packet': [0x41],
    'an old packet of no length': [0x9b, 0],
    'a partial packet': [0xc6, 0xe1, 0],
    'an old header cut short': [0x99, 0],
    'a new header without its length': [0xc6],
    'a second octet cut off': [0xc6, 193],
    'five octets cut short': [0xc6, 255, 0, 0],
  }
  for (const [what, bytes] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.equal(packetTags(Buffer.from(bytes)), undefined)
    })
  }

  it('finds nothing in nothing', () => {
    assert.deepEqual(packetTags(Buffer.alloc(0)), [])
  })
})
