import { z } from 'zod'
import { configSchema } from './schema.ts'

/** `chartroom.yaml` as a JSON Schema, for editors. Draft 7, because that is what the YAML language server knows best. */
export function renderJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' })
  return JSON.stringify({ title: 'chartroom.yaml', ...schema }, undefined, 2)
}
