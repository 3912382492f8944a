import { type Words } from '../worded.ts'

export function chartWords(): Words {
  return { 'chart-unknown': 'chart not found' }
}
