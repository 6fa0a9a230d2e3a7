import { Injectable } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { invalidRequest } from './validation-issue.js';

/**
 * Gives a handler what its parameter's schema makes of the value (`@Body({ schema })`). Nest's own
 * pipe is not used: it silently drops keys such as `constructor` from the arguments of tools.
 */
@Injectable()
export class SchemaPipe implements PipeTransform {
  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.schema === undefined) return value;
    const result = await metadata.schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    throw invalidRequest(result.issues, metadata.data);
  }
}
