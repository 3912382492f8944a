/** The only way by which text that a caller chose enters a message, a log line or a reason phrase. */

const LONGEST_QUOTE = 120

/** The text in double quotes, printable ASCII only (the rest escaped as in JSON), cut after 120 characters. */
export function quoted(text: string): string {
  const shown = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}...` : text
  return asciiOnly(JSON.stringify(shown))
}

/** The text with everything outside printable ASCII written as `\uXXXX`. */
export function asciiOnly(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
