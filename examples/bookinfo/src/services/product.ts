// What the services tell each other, as JSON.

export interface Details {
  readonly id: number;
  /** As whom the service knows who has called it: a SPIFFE ID. */
  readonly calledBy: string;
  readonly author: string;
  readonly year: number;
  readonly type: string;
  readonly pages: number;
  readonly publisher: string;
  readonly language: string;
}

export interface Reviews {
  readonly id: number;
  readonly calledBy: string;
  /** As whom ratings knows reviews; undefined where it was not asked. */
  readonly ratingsCalledBy?: string;
  /** Which process answered. */
  readonly podname: string;
  readonly version: string;
  readonly reviews: readonly Review[];
}

export interface Review {
  readonly reviewer: string;
  readonly text: string;
  readonly rating?: { readonly stars: number; readonly color: string } | Unavailable;
}

/** In the place of a part that could not be had. */
export interface Unavailable {
  readonly error: string;
}

export interface Product {
  readonly details: Details | Unavailable;
  readonly reviews: Reviews | Unavailable;
}
