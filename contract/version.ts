/** The version of package.json (a test compares them): written here because the bundle stands alone. */
export const VERSION = '0.1.0'
