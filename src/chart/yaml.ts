import { type Document, eventsToAst, FAILSAFE_SCHEMA, parseEvents, YAMLException } from 'js-yaml'
import { quoted } from '../text.ts'
import { chartInvalid } from './invalid.ts'
import { type YamlValue, YamlComposer } from './yaml-composer.ts'
import { resolvePlainScalar } from './yaml-scalar.ts'

/** A YAML file of a chart: its name for messages, and the length in characters that is read at most. */
export interface YamlFile {
  readonly name: string
  readonly maxLength: number
}

/** js-yaml's own default, named because the composer recurses as deep. */
const DEEPEST_NESTING = 100

/**
 * Characters that go-yaml refuses or takes for line breaks (YAML 1.1 has three more than YAML 1.2) where js-yaml reads
 * on: a text with them is two different documents. The first character may be a byte order mark, for both.
 */
const UNSAFE_CHARACTER =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|(?!^)\ufeff|\p{Surrogate}/u

/** The documents as Helm would read them; none for a text without content. Throws `chart-invalid`. */
export function parseYamlDocuments(
  text: string,
  file: YamlFile,
  resolvePlain = resolvePlainScalar,
): readonly YamlValue[] {
  if (text.length > file.maxLength) {
    throw chartInvalid(`${file.name} is longer than ${file.maxLength} characters`)
  }
  if (UNSAFE_CHARACTER.test(text)) throw chartInvalid(`${file.name} holds control characters`)
  return parseDocuments(text, file).map((document) => composeDocument(document, file, resolvePlain))
}

/**
 * The one document; `undefined` for a text without content. Helm reads the first of several, so what the others say
 * would be there for other readers only.
 */
export function parseYaml(text: string, file: YamlFile): YamlValue | undefined {
  const documents = parseYamlDocuments(text, file)
  if (documents.length > 1) {
    throw chartInvalid(`${file.name} holds several YAML documents, and Helm reads only one`)
  }
  return documents[0]
}

/**
 * Whether the text was refused for a bracket or a line of a quoted text that stands at the margin of its parent. YAML
 * asks for one column more; go-yaml does not, and many values files close their brackets so.
 */
export function isMarginError(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.cause instanceof YAMLException &&
    error.cause.reason === 'deficient indentation'
  )
}

function parseDocuments(source: string, file: YamlFile): readonly Document[] {
  try {
    const events = parseEvents(source, { maxDepth: DEEPEST_NESTING })
    return eventsToAst(events, { source, schema: FAILSAFE_SCHEMA })
  } catch (error) {
    throw chartInvalid(`${file.name} is not YAML: ${describeSyntaxError(error)}`, error)
  }
}

function describeSyntaxError(error: unknown): string {
  if (!(error instanceof YAMLException) || error.mark === undefined) return 'the parser failed'
  return `line ${error.mark.line + 1}: ${quoted(error.reason)}`
}

function composeDocument(
  document: Document,
  file: YamlFile,
  resolvePlain: typeof resolvePlainScalar,
): YamlValue {
  // go-yaml refuses %YAML 1.2 and unknown directives, and a %TAG changes what a tag means.
  if (document.directives.length > 0) throw chartInvalid(`${file.name} holds a YAML directive`)
  return new YamlComposer(file.name, file.maxLength, resolvePlain).compose(document.contents)
}
