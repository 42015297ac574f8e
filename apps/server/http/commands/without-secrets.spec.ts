import { expect, it } from 'vitest';
import { withoutSecrets } from './without-secrets.ts';

it('hides what is secret and leaves everything else as it is', () => {
	const text = [
		'# audit.url is set below',
		'tickTime=2000',
		'audit.url=postgresql://u:p@h/d',
		'  zookeeper.DigestAuthenticationProvider.superDigest = super:abc=',
		'DigestAuthenticationProvider.superDigest super:abc=',
		'superDigest: super:abc=',
		'ssl.keyStore.password=x y',
		'audit.url=',
		'dataDir=/var/lib/zookeeper',
		'superDigest=super:\\',
		'  abc=',
		'',
	];
	expect(withoutSecrets(text.join('\n')).split('\n')).toEqual([
		'# audit.url is set below',
		'tickTime=2000',
		'audit.url=***',
		'  zookeeper.DigestAuthenticationProvider.superDigest = ***',
		'DigestAuthenticationProvider.superDigest ***',
		'superDigest: ***',
		'ssl.keyStore.password=***',
		'audit.url=',
		'dataDir=/var/lib/zookeeper',
		'superDigest=***',
		'',
	]);
});
