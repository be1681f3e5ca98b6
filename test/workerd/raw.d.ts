/** A file of the project as text, for tests that read what a room offers. */
declare module "*?raw" {
  const text: string;
  export default text;
}
