import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openssl } from './openssl.ts'
import { TestPeer } from './test-ca.ts'

/** A company's PKI as its people make it: by hand, with openssl. */

export type OpensslKey = 'rsa' | 'ec' | 'ed25519'

export interface OpensslLeaf {
  readonly subject?: string
  /** Lines of an extension section. */
  readonly extensions?: readonly string[]
  readonly key?: OpensslKey
}

const NEW_KEY: Readonly<Record<OpensslKey, readonly string[]>> = {
  rsa: ['-newkey', 'rsa:2048'],
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  ed25519: ['-newkey', 'ed25519'],
}

export class OpensslCa {
  readonly #folder: string
  readonly #key: OpensslKey
  /** PEM: the CAs above, without the root. */
  readonly #chain: string
  readonly rootPem: string
  #count = 0

  private constructor(folder: string, key: OpensslKey, above?: OpensslCa) {
    this.#folder = folder
    this.#key = key
    this.#chain = above === undefined ? '' : readFileSync(join(folder, 'ca.crt'), 'utf8') + above.#chain
    this.rootPem = above?.rootPem ?? readFileSync(join(folder, 'ca.crt'), 'utf8')
  }

  /** A root in a folder of its own. */
  static create(folder: string, name: string, key: OpensslKey = 'ec'): OpensslCa {
    mkdirSync(folder)
    const out = ['-keyout', join(folder, 'ca.key'), '-out', join(folder, 'ca.crt')]
    run('req', '-x509', ...NEW_KEY[key], '-nodes', ...out, '-subj', `/CN=${name}`, '-days', '30')
    return new OpensslCa(folder, key)
  }

  /** Its own certificate. */
  get certificatePem(): string {
    return readFileSync(join(this.#folder, 'ca.crt'), 'utf8')
  }

  intermediate(name: string, extensions: readonly string[] = []): OpensslCa {
    const folder = join(this.#folder, name.replaceAll(' ', '-'))
    mkdirSync(folder)
    const rules = [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign,cRLSign',
      ...extensions,
    ]
    this.#sign(folder, 'ca', { subject: `/CN=${name}`, extensions: rules, key: this.#key })
    return new OpensslCa(folder, this.#key, this)
  }

  client(leaf: OpensslLeaf = {}): TestPeer {
    this.#count += 1
    const name = `leaf-${this.#count}`
    this.#sign(this.#folder, name, {
      subject: '/CN=reader',
      extensions: ['extendedKeyUsage=clientAuth'],
      key: this.#key,
      ...leaf,
    })
    const read = (suffix: string): string => readFileSync(join(this.#folder, `${name}.${suffix}`), 'utf8')
    return new TestPeer({ cert: read('crt') + this.#chain, key: read('key'), ca: this.rootPem })
  }

  /** The CA's CRL (PEM), which names these peers. */
  crl(revoked: readonly TestPeer[], nextUpdate: Date): string {
    const config = join(this.#folder, 'ca.cnf')
    const index = join(this.#folder, 'index.txt')
    writeFileSync(index, '')
    writeFileSync(
      config,
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${index}\ncertificate=${join(this.#folder, 'ca.crt')}\n` +
        `private_key=${join(this.#folder, 'ca.key')}\ndefault_md=${this.#key === 'ed25519' ? 'null' : 'sha256'}\n`,
    )
    for (const { cert } of revoked) {
      const file = join(this.#folder, 'revoked.crt')
      writeFileSync(file, cert)
      run('ca', '-config', config, '-revoke', file, '-crl_reason', 'keyCompromise')
    }
    const out = join(this.#folder, 'crl.pem')
    const times = ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', asn1Time(nextUpdate)]
    run('ca', '-config', config, '-gencrl', ...times, '-out', out)
    return readFileSync(out, 'utf8')
  }

  #sign(folder: string, name: string, { subject = '', extensions = [], key = 'ec' }: OpensslLeaf): void {
    const file = (suffix: string): string => join(folder, `${name}.${suffix}`)
    run('req', ...NEW_KEY[key], '-nodes', '-keyout', file('key'), '-out', file('csr'), '-subj', subject)
    writeFileSync(file('ext'), extensions.join('\n'))
    const issuer = [
      '-CA',
      join(this.#folder, 'ca.crt'),
      '-CAkey',
      join(this.#folder, 'ca.key'),
      '-CAcreateserial',
    ]
    const rules = ['-extfile', file('ext'), '-days', '10']
    run('x509', '-req', '-in', file('csr'), ...issuer, ...rules, '-out', file('crt'))
  }
}

function asn1Time(date: Date): string {
  return `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
}

function run(...args: readonly string[]): void {
  const { code, output } = openssl(...args)
  assert.equal(code, 0, `openssl ${args.join(' ')}\n${output}`)
}
