import tseslint from 'typescript-eslint'

/** Long functions are a smell in the product; a test reads top to bottom, so its length is no measure. */
const PRODUCT_LIMITS = {
  complexity: ['error', 12],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
}

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'storage/', 'certs/', '.dev/'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      ...PRODUCT_LIMITS,
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/config reads the environment.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
      ],
    },
  },
  {
    files: ['src/config/env.ts', 'src/main.ts', 'test/**', 'scripts/**', 'bench/**'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**', 'scripts/**', 'bench/**'],
    rules: {
      'max-lines-per-function': 'off',
      'no-console': 'off',
      // node:test-style async helpers and mocha callbacks return promises nobody needs to inspect.
      '@typescript-eslint/no-floating-promises': 'error',
    },
  },
  {
    files: ['*.config.js', '**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-restricted-syntax': 'off', '@typescript-eslint/no-require-imports': 'off' },
  },
)
