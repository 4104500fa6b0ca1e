/**
 * What .jute files mean once every name is resolved: modules of records of typed fields, in the order of the text.
 * Always: a field's record was declared before it, so no record contains itself, and every value has a finite size of
 * at least one byte (a class has a field, a field takes a byte), which is what bounds the reading of a vector.
 * Source: JFile, JRecord, JField and JType of org.apache.jute.compiler.
 */

import type { Position } from "./jute-error.ts";

/** The types that need no declaration, in the order in which messages name them. */
export const primitiveNames = ["byte", "boolean", "int", "long", "float", "double", "ustring", "buffer"] as const;
export type PrimitiveName = (typeof primitiveNames)[number];

export type JuteType =
  | { readonly kind: PrimitiveName }
  | { readonly kind: "vector"; readonly element: JuteType }
  | { readonly kind: "map"; readonly key: JuteType; readonly value: JuteType }
  | { readonly kind: "record"; readonly module: string; readonly name: string };

export interface Field {
  readonly name: string;
  readonly type: JuteType;
  /** Lines of the comments beside the declaration, without their comment marks. */
  readonly doc: readonly string[];
  readonly position: Position;
}

export interface RecordDeclaration {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly doc: readonly string[];
  readonly position: Position;
}

export interface Module {
  /** Full name, such as `org.apache.zookeeper.data`. */
  readonly name: string;
  /** In order of declaration; a module that is opened twice goes on where it stopped. */
  readonly records: readonly RecordDeclaration[];
  readonly doc: readonly string[];
  readonly position: Position;
}

export interface Schema {
  /** In order of first appearance, those of included files among them. */
  readonly modules: readonly Module[];
}
