// An alias in package.json, so no types of its own are found; the few calls made here are the same in both versions.
declare module 'express4' {
  import express from 'express';
  export default express;
}
