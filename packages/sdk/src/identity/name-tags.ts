/** Kinds of names of a certificate (RFC 5280 4.2.1.6), as DER tags them. */
export const nameTags = { dns: 0x82, uri: 0x86, ip: 0x87, directory: 0xa4 } as const;
