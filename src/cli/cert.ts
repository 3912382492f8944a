import { type Command } from 'commander'
import { addCertCrl } from './cert-crl.ts'
import { addCertImport } from './cert-import.ts'
import { addCertIssue } from './cert-issue.ts'
import { addCertList } from './cert-list.ts'
import { addCertRenew } from './cert-renew.ts'
import { addCertRevoke } from './cert-revoke.ts'
import { addCertServer } from './cert-server.ts'
import { addCertShow } from './cert-show.ts'
import { type CliContext } from './context.ts'

export function addCert(program: Command, context: CliContext): void {
  const cert = program
    .command('cert')
    .description('hand out, renew and revoke certificates of the built-in CA')
  addCertIssue(cert, context)
  addCertList(cert, context)
  addCertShow(cert, context)
  addCertRenew(cert, context)
  addCertRevoke(cert, context)
  addCertServer(cert, context)
  addCertCrl(cert, context)
  addCertImport(cert, context)
}
