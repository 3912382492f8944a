/** Something wrong with the configuration, at a path such as `tls.clientCAs.0.name`. */
export interface Problem {
  readonly path: string
  readonly message: string
}
