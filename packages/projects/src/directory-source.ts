import type { Project } from './project.ts'

/** Where a directory's answers come from: the control plane's tables, or in split mode its address. Never cached here. */
export interface DirectorySource {
  loadByRef(ref: string): Promise<Project | null>
  loadBySubdomain(label: string): Promise<Project | null>
  loadByDomain(hostname: string): Promise<Project | null>
  /** `hash` is the SHA-256 of a publishable or secret key, hex. */
  loadByKeyHash(hash: string): Promise<Project | null>
  /**
   * Tells of every committed change of a project, whichever process made it. Null means that messages may have been
   * missed (the listening connection broke), so everything that was remembered must go.
   */
  onChange(listener: (ref: string | null) => void): void
  /** Whether changes are heard of now. While they are not, nothing may be remembered: a revoked key would go on working. */
  isFollowing(): boolean
}
