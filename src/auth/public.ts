import { SetMetadata } from '@nestjs/common';

export const PUBLIC_ROUTE = 'gantry:public';

/** This route answers without a key. */
export const Public = () => SetMetadata(PUBLIC_ROUTE, true);
