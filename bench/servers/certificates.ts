import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TestCa, type PeerFiles, type TestPeer } from '../../test/support/test-ca.ts'

/** One authority for all servers and clients of a run; P-256 throughout. */
export interface Certificates {
  readonly ca: TestCa
  readonly caFile: string
  readonly server: PeerFiles
  readonly reader: TestPeer
  readonly readerFiles: PeerFiles
  readonly admin: TestPeer
}

export async function makeCertificates(folder: string): Promise<Certificates> {
  const ca = await TestCa.create({ name: 'Bench CA' })
  const caFile = join(folder, 'ca.crt')
  await writeFile(caFile, ca.certificatePem)
  const reader = await ca.client({ cn: 'reader' })
  return {
    ca,
    caFile,
    server: await (await ca.server()).write(folder, 'server'),
    reader,
    readerFiles: await reader.write(folder, 'reader'),
    admin: await ca.client({ cn: 'admin', ou: 'administrators' }),
  }
}
