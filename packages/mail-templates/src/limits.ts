/** Enough for any mail, and over in some tens of milliseconds: mails are made on the thread that answers everybody. */
export const STEPS_MAX = 50_000
/** Characters of an output, and of a text that a template puts together. */
export const TEXT_LENGTH_MAX = 1_048_576
export const TEMPLATE_LENGTH_MAX = 262_144
/** Of blocks, and of parentheses. */
export const DEPTH_MAX = 50
