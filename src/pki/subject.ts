import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { Name } from './x509.ts'

/** What a subject is made of. Each value stays one value: no comma, `=` or `+` in it can begin another attribute. */
export interface SubjectValues {
  readonly commonName: string
  readonly organizations?: readonly string[]
  readonly units?: readonly string[]
}

/** X.520's upper bounds (RFC 5280, appendix A.1: ub-common-name, ub-organization-name, ub-organizational-unit-name). */
export const LONGEST_ATTRIBUTE = 64

/** Throws `request-invalid`. */
export function subjectName({ commonName, organizations = [], units = [] }: SubjectValues): Name {
  return new Name([
    ...organizations.map((value) => ({ O: [exactly('organization', value)] })),
    ...units.map((value) => ({ OU: [exactly('organizational unit', value)] })),
    { CN: [exactly('common name', commonName)] },
  ])
}

/**
 * As UTF8String (RFC 5280, section 4.1.2.4). Given a bare string, the library would read `#41` as hex and `"` and `\` as
 * quoting, and so issue another name than the one that was asked for.
 */
function exactly(what: string, value: string): { readonly utf8String: string } {
  const length = Array.from(value).length
  if (length < 1 || length > LONGEST_ATTRIBUTE) {
    throw new AppError(
      'request-invalid',
      `the ${what} must have 1 to ${LONGEST_ATTRIBUTE} characters, not ${length}`,
    )
  }
  if (UNPRINTABLE.test(value) || value !== value.trim()) {
    throw new AppError(
      'request-invalid',
      `the ${what} ${quoted(value)} has characters that cannot be seen, or space around it`,
    )
  }
  return { utf8String: value }
}

/** Controls, NUL among them; formatting such as right-to-left marks, which make one name look like another; halves of pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
