/** Versions may hold archives that only Helm's own, more lenient reading takes. Never edited once released. */
export const reading = `
ALTER TABLE versions ADD COLUMN reading TEXT NOT NULL DEFAULT 'strict' CHECK (reading IN ('strict', 'lenient'));
`
