/*
 * What the C client's own shell cannot do: TTL nodes, transactions, watchers with contexts, taking watches back, authentication, taking up a
 * session of another process, a server that is started again. Says `ok: ...` for each part; stops at the first thing that is not as it should be.
 *
 *     client host:port            all parts; says `restart` when the server is to be started again
 *     client host:port leave      opens a session with an ephemeral node, prints it, and ends without closing it
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

enum { patience_s = 30, timeout_ms = 10000, many = 2000 };

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

#define EQUAL(found, expected) equal(__LINE__, #found, (long long)(found), (long long)(expected))

static void equal(int line, const char *what, long long found, long long expected) {
	if (found == expected) return;
	fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, line, what, found, expected);
	exit(1);
}

static const char *host;
static const char *program;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* Waits until the condition holds; whatever may make it hold broadcasts `changed`. */
#define WAIT(condition) \
	do { \
		struct timespec until; \
		clock_gettime(CLOCK_REALTIME, &until); \
		until.tv_sec += patience_s; \
		pthread_mutex_lock(&lock); \
		while (!(condition)) { \
			if (pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT) { \
				fprintf(stderr, "%s:%d: not within %d s: %s\n", __FILE__, __LINE__, patience_s, #condition); \
				exit(1); \
			} \
		} \
		pthread_mutex_unlock(&lock); \
	} while (0)

/* A handle and what its session went through. */
struct session {
	zhandle_t *handle;
	int state;
	int connections;
	int losses;
};

/* What a watcher was told last, and how often it was told. */
struct watch {
	int count;
	int type;
	char path[256];
};

/* The answer to an asynchronous call. */
struct answer {
	int done;
	int rc;
	char text[256];
	struct Stat stat;
};

static void session_event(zhandle_t *handle, int type, int state, const char *path, void *context) {
	struct session *session = context;
	(void)handle;
	(void)path;
	if (type != ZOO_SESSION_EVENT) return;
	pthread_mutex_lock(&lock);
	session->state = state;
	if (state == ZOO_CONNECTED_STATE) session->connections++;
	if (state == ZOO_CONNECTING_STATE) session->losses++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void watch_event(zhandle_t *handle, int type, int state, const char *path, void *context) {
	struct watch *watch = context;
	(void)handle;
	(void)state;
	if (type == ZOO_SESSION_EVENT) return;
	pthread_mutex_lock(&lock);
	watch->count++;
	watch->type = type;
	snprintf(watch->path, sizeof watch->path, "%s", path);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void answer_with(struct answer *answer, int rc, const char *text, int length, const struct Stat *stat) {
	pthread_mutex_lock(&lock);
	answer->done++;
	answer->rc = rc;
	if (text && length >= 0) snprintf(answer->text, sizeof answer->text, "%.*s", length, text);
	if (stat) answer->stat = *stat;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void void_done(int rc, const void *context) {
	answer_with((struct answer *)context, rc, NULL, 0, NULL);
}

static void stat_done(int rc, const struct Stat *stat, const void *context) {
	answer_with((struct answer *)context, rc, NULL, 0, stat);
}

static void data_done(int rc, const char *value, int length, const struct Stat *stat, const void *context) {
	answer_with((struct answer *)context, rc, value, length, stat);
}

static void created(int rc, const char *path, const struct Stat *stat, const void *context) {
	answer_with((struct answer *)context, rc, path, path ? (int)strlen(path) : 0, stat);
}

static void children_done(int rc, const struct String_vector *names, const struct Stat *stat, const void *context) {
	(void)names;
	answer_with((struct answer *)context, rc, NULL, 0, stat);
}

static void path_done(int rc, const char *path, const void *context) {
	answer_with((struct answer *)context, rc, path, path ? (int)strlen(path) : 0, NULL);
}

static void open_session(struct session *session, const clientid_t *id) {
	memset(session, 0, sizeof *session);
	session->handle = zookeeper_init(host, session_event, timeout_ms, id, session, 0);
	CHECK(session->handle);
	WAIT(session->state == ZOO_CONNECTED_STATE || session->state == ZOO_EXPIRED_SESSION_STATE);
}

static void make(struct session *session, const char *path, const char *value, int mode) {
	EQUAL(zoo_create(session->handle, path, value, (int)strlen(value), &ZOO_OPEN_ACL_UNSAFE, mode, NULL, 0), ZOK);
}

static void create_with_ttl(struct session *session, const char *path, int mode, int64_t ttl, struct answer *answer) {
	memset(answer, 0, sizeof *answer);
	EQUAL(zoo_acreate2_ttl(session->handle, path, "x", 1, &ZOO_OPEN_ACL_UNSAFE, mode, ttl, created, answer), ZOK);
	WAIT(answer->done);
}

/* The container task of the server removes it in its own time. */
static void wait_until_gone(struct session *session, const char *path) {
	for (time_t end = time(NULL) + patience_s;; usleep(20000)) {
		int rc = zoo_exists(session->handle, path, 0, NULL);
		if (rc == ZNONODE) return;
		EQUAL(rc, ZOK);
		CHECK(time(NULL) < end);
	}
}

static void creates(struct session *session) {
	struct answer answer;
	char path[64];
	struct Stat stat;
	make(session, "/creates", "", ZOO_PERSISTENT);
	create_with_ttl(session, "/creates/ttl", ZOO_PERSISTENT_WITH_TTL, 400, &answer);
	EQUAL(answer.rc, ZOK);
	CHECK(strcmp(answer.text, "/creates/ttl") == 0);
	EQUAL(answer.stat.dataLength, 1);
	EQUAL(answer.stat.ephemeralOwner, 0);
	create_with_ttl(session, "/creates/ttl-", ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 60000, &answer);
	EQUAL(answer.rc, ZOK);
	CHECK(strcmp(answer.text, "/creates/ttl-0000000001") == 0);
	create_with_ttl(session, "/creates/container", ZOO_CONTAINER, -1, &answer);
	EQUAL(answer.rc, ZOK);
	EQUAL(answer.stat.ephemeralOwner, 0);
	EQUAL(zoo_create2(session->handle, "/creates/s-", "two", 3, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, path, sizeof path, &stat), ZOK);
	CHECK(strcmp(path, "/creates/s-0000000003") == 0);
	EQUAL(stat.ephemeralOwner, zoo_client_id(session->handle)->client_id);
	EQUAL(zoo_create(session->handle, "/creates/s-0000000003/x", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZNOCHILDRENFOREPHEMERALS);
	EQUAL(zoo_create(session->handle, "/creates", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZNODEEXISTS);
	EQUAL(zoo_create(session->handle, "/null", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
	int length = 7;
	EQUAL(zoo_get(session->handle, "/null", 0, path, &length, &stat), ZOK);
	EQUAL(length, -1);

	make(session, "/creates/container/child", "", ZOO_PERSISTENT);
	EQUAL(zoo_delete(session->handle, "/creates/container/child", 0), ZOK);
	wait_until_gone(session, "/creates/container");
	wait_until_gone(session, "/creates/ttl");
	EQUAL(zoo_exists(session->handle, "/creates/ttl-0000000001", 0, &stat), ZOK);
	puts("ok: every kind of node, TTL nodes and containers that go by themselves");
}

static void transactions(struct session *session) {
	char first[64], second[64];
	struct Stat stat;
	zoo_op_t ops[5];
	zoo_op_result_t results[5];
	make(session, "/multi", "0", ZOO_PERSISTENT);
	zoo_check_op_init(&ops[0], "/multi", 0);
	zoo_create_op_init(&ops[1], "/multi/a", "a", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, first, sizeof first);
	zoo_create_op_init(&ops[2], "/multi/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, second, sizeof second);
	zoo_set_op_init(&ops[3], "/multi", "one", 3, 0, &stat);
	zoo_delete_op_init(&ops[4], "/multi/a", -1);
	EQUAL(zoo_multi(session->handle, 5, ops, results), ZOK);
	for (int i = 0; i < 5; i++) EQUAL(results[i].err, ZOK);
	CHECK(strcmp(first, "/multi/a") == 0);
	CHECK(strcmp(second, "/multi/s-0000000001") == 0);
	EQUAL(stat.version, 1);
	EQUAL(stat.dataLength, 3);

	zoo_set_op_init(&ops[0], "/multi", "never", 5, -1, &stat);
	zoo_check_op_init(&ops[1], "/multi", 7);
	zoo_delete_op_init(&ops[2], "/multi", -1);
	EQUAL(zoo_multi(session->handle, 3, ops, results), ZBADVERSION);
	EQUAL(results[0].err, ZOK);
	EQUAL(results[1].err, ZBADVERSION);
	EQUAL(results[2].err, ZRUNTIMEINCONSISTENCY);
	char value[16];
	int length = sizeof value;
	EQUAL(zoo_get(session->handle, "/multi", 0, value, &length, &stat), ZOK);
	EQUAL(length, 3);
	EQUAL(stat.version, 1);
	puts("ok: transactions");
}

static void watches(struct session *session, struct session *other) {
	struct watch data = {0}, exist = {0}, child = {0};
	struct answer answers[3] = {{0}};
	make(other, "/watched", "0", ZOO_PERSISTENT);
	EQUAL(zoo_awget(session->handle, "/watched", watch_event, &data, data_done, &answers[0]), ZOK);
	EQUAL(zoo_awexists(session->handle, "/watched/child", watch_event, &exist, stat_done, &answers[1]), ZOK);
	EQUAL(zoo_awget_children2(session->handle, "/watched", watch_event, &child, children_done, &answers[2]), ZOK);
	WAIT(answers[0].done && answers[1].done && answers[2].done);
	EQUAL(answers[0].rc, ZOK);
	CHECK(strcmp(answers[0].text, "0") == 0);
	EQUAL(answers[1].rc, ZNONODE);
	EQUAL(answers[2].rc, ZOK);

	make(other, "/watched/child", "", ZOO_PERSISTENT);
	WAIT(exist.count && child.count);
	EQUAL(exist.type, ZOO_CREATED_EVENT);
	EQUAL(child.type, ZOO_CHILD_EVENT);
	CHECK(strcmp(exist.path, "/watched/child") == 0 && strcmp(child.path, "/watched") == 0);
	EQUAL(zoo_set(other->handle, "/watched", "1", 1, -1), ZOK);
	WAIT(data.count);
	EQUAL(data.type, ZOO_CHANGED_EVENT);

	EQUAL(zoo_wget_children(session->handle, "/watched/child", watch_event, &child, NULL), ZOK);
	EQUAL(zoo_delete(other->handle, "/watched/child", -1), ZOK);
	WAIT(child.count == 2);
	EQUAL(child.type, ZOO_DELETED_EVENT);
	EQUAL(zoo_set(other->handle, "/watched", "2", 1, -1), ZOK);
	EQUAL(zoo_exists(session->handle, "/watched", 0, NULL), ZOK);
	EQUAL(data.count, 1);
	puts("ok: watchers are told what they watch for, once");
}

static void remove_watches(struct session *session, struct session *other) {
	struct watch data = {0}, child = {0}, kept = {0};
	struct answer answer = {0};
	char value[8];
	int length = sizeof value;
	make(other, "/removed", "0", ZOO_PERSISTENT);
	make(other, "/kept", "0", ZOO_PERSISTENT);
	EQUAL(zoo_wget(session->handle, "/removed", watch_event, &data, value, &length, NULL), ZOK);
	EQUAL(zoo_wget_children(session->handle, "/removed", watch_event, &child, NULL), ZOK);
	length = sizeof value;
	EQUAL(zoo_wget(session->handle, "/kept", watch_event, &kept, value, &length, NULL), ZOK);
	/* It answers with an error of its own unless it has such a watcher; then the server is asked. */
	EQUAL(zoo_aremove_watches(session->handle, "/removed", ZWATCHTYPE_DATA, watch_event, &data, 0, (void_completion_t *)void_done, &answer), ZOK);
	WAIT(answer.done);
	EQUAL(answer.rc, ZOK);
	EQUAL(zoo_remove_watches(session->handle, "/removed", ZWATCHTYPE_CHILD, watch_event, &child, 0), ZOK);
	EQUAL(zoo_remove_watches(session->handle, "/removed", ZWATCHTYPE_ANY, watch_event, &child, 0), ZNOWATCHER);
	int told[2] = {data.count, child.count};
	EQUAL(zoo_set(other->handle, "/removed", "1", 1, -1), ZOK);
	make(other, "/removed/child", "", ZOO_PERSISTENT);
	EQUAL(zoo_set(other->handle, "/kept", "1", 1, -1), ZOK);
	WAIT(kept.count);
	EQUAL(kept.type, ZOO_CHANGED_EVENT);
	EQUAL(data.count, told[0]);
	EQUAL(child.count, told[1]);
	puts("ok: watches that are taken back");
}

static void authentication(struct session *session, struct session *other) {
	struct answer answer = {0};
	struct ACL_vector acl;
	struct Stat stat;
	struct session refused;
	char value[16];
	int length = sizeof value;
	EQUAL(zoo_create(session->handle, "/mine", "", 0, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZINVALIDACL);
	EQUAL(zoo_add_auth(session->handle, "digest", "ada:secret", 10, void_done, &answer), ZOK);
	WAIT(answer.done);
	EQUAL(answer.rc, ZOK);
	EQUAL(zoo_create(session->handle, "/mine", "mine", 4, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZOK);
	EQUAL(zoo_get(other->handle, "/mine", 0, value, &length, &stat), ZNOAUTH);
	EQUAL(zoo_get_acl(session->handle, "/mine", &acl, &stat), ZOK);
	EQUAL(acl.count, 1);
	EQUAL(acl.data[0].perms, ZOO_PERM_ALL);
	CHECK(strcmp(acl.data[0].id.scheme, "digest") == 0);
	CHECK(strncmp(acl.data[0].id.id, "ada:", 4) == 0);
	deallocate_ACL_vector(&acl);
	EQUAL(zoo_set_acl(session->handle, "/mine", 7, &ZOO_READ_ACL_UNSAFE), ZBADVERSION);
	EQUAL(zoo_set_acl(session->handle, "/mine", 0, &ZOO_READ_ACL_UNSAFE), ZOK);
	length = sizeof value;
	EQUAL(zoo_get(other->handle, "/mine", 0, value, &length, &stat), ZOK);
	EQUAL(stat.aversion, 1);
	EQUAL(zoo_set(other->handle, "/mine", "", 0, -1), ZNOAUTH);

	open_session(&refused, NULL);
	memset(&answer, 0, sizeof answer);
	EQUAL(zoo_add_auth(refused.handle, "nonsense", "x", 1, void_done, &answer), ZOK);
	WAIT(answer.done && refused.state == ZOO_AUTH_FAILED_STATE);
	EQUAL(answer.rc, ZAUTHFAILED);
	zookeeper_close(refused.handle);
	puts("ok: authentication and ACLs");
}

static void pipeline(struct session *session) {
	static struct answer answers[1000];
	struct answer sync = {0};
	char path[64];
	make(session, "/pipeline", "", ZOO_PERSISTENT);
	for (int i = 0; i < 1000; i++) {
		EQUAL(zoo_acreate(session->handle, "/pipeline/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, path_done, &answers[i]), ZOK);
	}
	EQUAL(zoo_async(session->handle, "/pipeline", path_done, &sync), ZOK);
	WAIT(sync.done);
	EQUAL(sync.rc, ZOK);
	CHECK(strcmp(sync.text, "/pipeline") == 0);
	for (int i = 0; i < 1000; i++) {
		EQUAL(answers[i].rc, ZOK);
		snprintf(path, sizeof path, "/pipeline/s-%010d", i);
		CHECK(strcmp(answers[i].text, path) == 0);
	}
	puts("ok: a thousand creates at once, and a sync behind them");
}

static void reconfiguration(struct session *session) {
	char config[1024];
	int length = sizeof config;
	struct Stat stat;
	EQUAL(zoo_getconfig(session->handle, 0, config, &length, &stat), ZOK);
	length = sizeof config;
	EQUAL(zoo_reconfig(session->handle, "server.2=127.0.0.1:2888:3888;2181", NULL, NULL, -1, config, &length, &stat), ZRECONFIGDISABLED);
	puts("ok: reconfig is switched off");
}

/* The session of a process that has ended without a goodbye. */
static void take_up_session(struct session *session) {
	char command[512], text[3];
	clientid_t id = {0}, wrong;
	struct session mine, refused;
	struct Stat stat;
	snprintf(command, sizeof command, "'%s' '%s' leave", program, host);
	FILE *left = popen(command, "r");
	CHECK(left);
	CHECK(fscanf(left, "%" SCNx64, (uint64_t *)&id.client_id) == 1);
	for (size_t i = 0; i < sizeof id.passwd; i++) {
		CHECK(fscanf(left, " %2s", text) == 1);
		id.passwd[i] = (char)strtol(text, NULL, 16);
	}
	EQUAL(pclose(left), 0);
	EQUAL(zoo_exists(session->handle, "/left", 0, &stat), ZOK);
	EQUAL(stat.ephemeralOwner, id.client_id);

	wrong = id;
	wrong.passwd[3] ^= 1;
	open_session(&refused, &wrong);
	EQUAL(refused.state, ZOO_EXPIRED_SESSION_STATE);
	CHECK(is_unrecoverable(refused.handle));
	zookeeper_close(refused.handle);

	open_session(&mine, &id);
	EQUAL(mine.state, ZOO_CONNECTED_STATE);
	EQUAL(zoo_client_id(mine.handle)->client_id, id.client_id);
	EQUAL(zoo_recv_timeout(mine.handle), timeout_ms);
	make(&mine, "/left-too", "", ZOO_EPHEMERAL);
	EQUAL(zookeeper_close(mine.handle), ZOK);
	EQUAL(zoo_exists(session->handle, "/left", 0, &stat), ZNONODE);
	EQUAL(zoo_exists(session->handle, "/left-too", 0, &stat), ZNONODE);
	puts("ok: the session of another process is taken up with its password, and not with a wrong one");
}

static void leave_session(void) {
	struct session session;
	open_session(&session, NULL);
	EQUAL(session.state, ZOO_CONNECTED_STATE);
	make(&session, "/left", "", ZOO_EPHEMERAL);
	const clientid_t *id = zoo_client_id(session.handle);
	printf("%" PRIx64, (uint64_t)id->client_id);
	for (size_t i = 0; i < sizeof id->passwd; i++) printf(" %02x", (unsigned char)id->passwd[i]);
	printf("\n");
	fflush(stdout);
	_exit(0);
}

/* More paths than one piece of setWatches is meant to have: each watch is there again afterwards. */
static void restart(struct session *session, struct session *other) {
	static struct watch missing[many];
	struct watch data = {0}, child = {0};
	char path[128], value[8];
	int length = sizeof value;
	struct Stat stat;
	make(session, "/restarted", "0", ZOO_PERSISTENT);
	make(session, "/restarted/mine", "", ZOO_EPHEMERAL);
	int64_t id = zoo_client_id(session->handle)->client_id;
	EQUAL(zoo_wget(session->handle, "/restarted", watch_event, &data, value, &length, NULL), ZOK);
	EQUAL(zoo_wget_children(session->handle, "/restarted", watch_event, &child, NULL), ZOK);
	for (int i = 0; i < many; i++) {
		snprintf(path, sizeof path, "/restarted/a-name-that-is-long-enough-for-a-watch-to-take-up-room-%05d", i);
		EQUAL(zoo_wexists(session->handle, path, watch_event, &missing[i], &stat), ZNONODE);
	}
	int connections = session->connections, others = other->connections;
	puts("restart");
	fflush(stdout);
	WAIT(session->connections > connections && other->connections > others);
	EQUAL(session->state, ZOO_CONNECTED_STATE);
	EQUAL(zoo_client_id(session->handle)->client_id, id);
	EQUAL(zoo_exists(session->handle, "/restarted/mine", 0, &stat), ZOK);
	EQUAL(stat.ephemeralOwner, id);
	EQUAL(data.count + child.count, 0);
	EQUAL(zoo_set(other->handle, "/restarted", "1", 1, 0), ZOK);
	for (int i = 0; i < many; i += 100) {
		snprintf(path, sizeof path, "/restarted/a-name-that-is-long-enough-for-a-watch-to-take-up-room-%05d", i);
		make(other, path, "", ZOO_PERSISTENT);
		WAIT(missing[i].count);
		EQUAL(missing[i].type, ZOO_CREATED_EVENT);
	}
	WAIT(data.count && child.count);
	EQUAL(data.type, ZOO_CHANGED_EVENT);
	EQUAL(child.type, ZOO_CHILD_EVENT);
	EQUAL(data.count + child.count, 2);
	puts("ok: a server that is started again: the session, its ephemerals and its watches");
}

int main(int argc, char **argv) {
	struct session session, other;
	if (argc < 2) return 2;
	program = argv[0];
	host = argv[1];
	zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
	if (argc > 2) leave_session();
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_session(&session, NULL);
	open_session(&other, NULL);
	creates(&session);
	transactions(&session);
	watches(&session, &other);
	remove_watches(&session, &other);
	authentication(&session, &other);
	pipeline(&session);
	reconfiguration(&session);
	take_up_session(&session);
	restart(&session, &other);
	EQUAL(zookeeper_close(session.handle), ZOK);
	EQUAL(zookeeper_close(other.handle), ZOK);
	return 0;
}
