import ts from 'typescript';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Gone after compilation, so it cannot be part of a cycle and needs no dependency at run time. */
  readonly typeOnly: boolean;
}

export function parseSource(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

/** Every module that the file names: import, export from, import(), require() and import types. */
export function readImports(source: ts.SourceFile): Import[] {
  const imports: Import[] = [];
  visit(source, (node) => {
    const found = moduleNamedBy(node);
    if (found === undefined) return;
    imports.push({ specifier: found.module.text, line: lineOf(found.module), typeOnly: found.typeOnly });
  });
  return imports;
}

export function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  node.forEachChild((child) => visit(child, see));
}

export function lineOf(node: ts.Node): number {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

function moduleNamedBy(node: ts.Node): { module: ts.StringLiteralLike; typeOnly: boolean } | undefined {
  const found = nodeNamedBy(node);
  return found !== undefined && ts.isStringLiteralLike(found.module)
    ? { module: found.module, typeOnly: found.typeOnly }
    : undefined;
}

function nodeNamedBy(node: ts.Node): { module: ts.Node; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node)) {
    // `import { type A }` is not type-only: with verbatimModuleSyntax the module is still loaded.
    const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return { module: node.moduleSpecifier, typeOnly };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    return { module: node.moduleSpecifier, typeOnly: node.isTypeOnly };
  }
  if (ts.isExternalModuleReference(node)) return { module: node.expression, typeOnly: false };
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { module: node.argument.literal, typeOnly: true };
  }
  if (ts.isCallExpression(node) && loadsModule(node.expression) && node.arguments[0] !== undefined) {
    return { module: node.arguments[0], typeOnly: false };
  }
  return undefined;
}

function loadsModule(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}
