import { gzipSync } from 'node:zlib'
import { archive, tarball, tarHeader, type TarMember, withChecksum } from '../../support/chart-builder.ts'
import { CHART_YAML, describeRefusals, type HostileArchive, MIB } from './archive-refusals.ts'

describeRefusals('given hostile tar headers', hostileHeaders())

function hostileHeaders(): readonly HostileArchive[] {
  const withMember = (member: TarMember) => () => archive([CHART_YAML, member])
  const withHeader = (change: (header: Buffer) => void) => () => {
    const header = tarHeader({ name: 'demo/a' })
    change(header)
    return gzipSync(Buffer.concat([withChecksum(header), tarball([CHART_YAML])]))
  }
  const withPax = (content: string | Buffer) => withMember({ name: 'x', type: 'x', content })
  const link = { name: 'demo/a', linkname: '/etc/passwd' }
  return [
    ['a symbolic link', '"demo/a" is a symbolic link', withMember({ ...link, type: '2' })],
    ['a hard link', 'is a hard link', withMember({ ...link, type: '1' })],
    ['a character device', 'is a character device', withMember({ ...link, type: '3' })],
    ['a block device', 'is a block device', withMember({ ...link, type: '4' })],
    ['a named pipe', 'is a named pipe', withMember({ ...link, type: '6' })],
    ['a contiguous file', 'is a contiguous file', withMember({ ...link, type: '7' })],
    ['a sparse file of GNU tar', 'is of the unknown type "S"', withMember({ ...link, type: 'S' })],
    ['an old long name of GNU tar', 'is of the unknown type "N"', withMember({ ...link, type: 'N' })],
    ['a long link name', 'is of the unknown type "K"', withMember({ ...link, type: 'K', content: 'a' })],
    [
      'a directory with content',
      'is a directory with content',
      withMember({ name: 'demo/a', type: '5', content: 'x' }),
    ],
    [
      'a file with the mode of a directory',
      'has a mode of another type',
      withMember({ name: 'demo/a', mode: 0o040644 }),
    ],
    [
      'a directory with the mode of a file',
      'has a mode of another type',
      withMember({ name: 'demo/a', type: '5', mode: 0o100644 }),
    ],
    ['a wrong checksum', 'damaged or cut off', () => gzipSync(tarball([CHART_YAML]).fill('1', 148, 149))],
    [
      'a header of the old V7 format',
      'not a tar of the ustar',
      withHeader((header) => header.fill(0, 257, 265)),
    ],
    [
      'an unknown version of ustar',
      'not a tar of the ustar',
      withHeader((header) => header.write('01', 263)),
    ],
    [
      'a header of the star format',
      'not a tar of the ustar',
      withHeader((header) => header.write('tar\0', 508)),
    ],
    [
      'a GNU header with a prefix',
      'not a tar of the ustar',
      withHeader((header) => {
        header.write('ustar  \0', 257, 'latin1')
        header.write('evil', 345)
      }),
    ],
    [
      'a size in binary',
      'has a size that is no octal number',
      withHeader((header) => header.writeUInt8(0x80, 124)),
    ],
    [
      'a negative size',
      'has a size that is no octal number',
      withHeader((header) => header.write('-0000000001', 124)),
    ],
    [
      'a size with something behind',
      'has a size that is no octal number',
      withHeader((header) => header.write('0000001\x001', 124, 'latin1')),
    ],
    [
      'a mode that is no number',
      'has a mode that is no octal number',
      withHeader((header) => header.write('rw-r--r', 100)),
    ],
    [
      'a pax record of a size',
      'pax record that is not allowed: "size"',
      withMember({ name: 'demo/a', pax: { size: '1' } }),
    ],
    [
      'a pax record of a sparse file',
      'not allowed: "GNU.sparse.name"',
      withMember({ name: 'demo/a', pax: { 'GNU.sparse.name': 'demo/b' } }),
    ],
    [
      'a global pax header with a path',
      'for all members: "path"',
      withMember({ name: 'x', type: 'g', content: '15 path=demo/b\n' }),
    ],
    ['a pax header without a length', 'malformed pax header', withPax('path=demo/b\n')],
    ['a pax header with a wrong length', 'malformed pax header', withPax('14 path=demo/b\n')],
    ['a pax header longer than its body', 'malformed pax header', withPax('99 path=demo/b\n')],
    ['a pax header without a key', 'malformed pax header', withPax('11 =demo/b\n\n')],
    ['a pax header without a value', 'malformed pax header', withPax('8 path\n\n9 a=b\n')],
    ['an empty pax header', 'of an impossible size', withPax('')],
    ['a huge pax header', 'of an impossible size', withPax(Buffer.alloc(MIB + 1, 'a'))],
    [
      'a pax header after another',
      'two extension headers',
      () =>
        archive([
          { name: 'x', type: 'x', content: '9 a=bcde\n' },
          { ...CHART_YAML, pax: { a: 'b' } },
        ]),
    ],
    [
      'a pax header after a long name of GNU tar',
      'two extension headers',
      () =>
        archive([
          { name: 'x', type: 'L', content: 'demo/b\0' },
          { ...CHART_YAML, pax: { a: 'b' } },
        ]),
    ],
    ['a pax header at the end', 'cut off within a member', withPax('9 a=bcde\n')],
    [
      'a pax header that is cut off',
      'cut off within a member',
      () => gzipSync(Buffer.concat([tarHeader({ name: 'x', type: 'x', size: 9 })])),
    ],
  ]
}
