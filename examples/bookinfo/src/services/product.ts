// What the services tell each other, as JSON.

export interface Details {
  readonly id: number;
  readonly author: string;
  readonly year: number;
  readonly type: string;
  readonly pages: number;
  readonly publisher: string;
  readonly language: string;
}

export interface Reviews {
  readonly id: number;
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
