/** A multipart/form-data body, as curl and cm-push write it. */
export function form(parts: readonly FormPart[]): {
  readonly body: Buffer
  readonly headers: Record<string, string>
} {
  const boundary = 'chartroom-test-boundary'
  const body = parts.flatMap(({ name, filename, content }) => [
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"`),
    Buffer.from(
      filename === undefined ? '' : `; filename="${filename}"\r\ncontent-type: application/octet-stream`,
    ),
    Buffer.from('\r\n\r\n'),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ])
  return {
    body: Buffer.concat([...body, Buffer.from(`--${boundary}--\r\n`)]),
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  }
}

export interface FormPart {
  readonly name: string
  readonly filename?: string
  readonly content: Buffer | string
}
