// What a libuv user writes: one loop, one receive buffer for all connections (libuv reads and calls back at once), and
// uv_try_write, so that memory is needed only for what the kernel does not take.
//
//   libuv_echo PORT        (0 picks one; the first line says which)
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

enum { BACKLOG = 512, RECEIVE_BYTES = 64 * 1024 };

struct unsent {
    uv_write_t request;
    char bytes[];
};

static char receive_buffer[RECEIVE_BYTES];

static void check(int result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
        exit(1);
    }
}

static void released(uv_handle_t *handle) {
    free(handle);
}

static void end(uv_stream_t *stream) {
    if (!uv_is_closing((uv_handle_t *)stream)) {
        uv_close((uv_handle_t *)stream, released);
    }
}

static void lend(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(receive_buffer, sizeof receive_buffer);
}

static void received(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

static void written(uv_write_t *request, int status) {
    uv_stream_t *stream = request->handle;
    free(request);
    if (status < 0) {
        end(stream);
    } else if (!uv_is_closing((uv_handle_t *)stream)) {
        uv_read_start(stream, lend, received);
    }
}

static void received(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    if (count <= 0) {
        if (count < 0) {
            end(stream);
        }
        return;
    }
    uv_buf_t output = uv_buf_init(buffer->base, (unsigned)count);
    int sent = uv_try_write(stream, &output, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        end(stream);
        return;
    }
    size_t rest = (size_t)count - (size_t)(sent < 0 ? 0 : sent);
    if (rest > 0) {
        // No more is read until the peer has taken this.
        struct unsent *unsent = malloc(sizeof *unsent + rest);
        memcpy(unsent->bytes, buffer->base + ((size_t)count - rest), rest);
        output = uv_buf_init(unsent->bytes, (unsigned)rest);
        uv_read_stop(stream);
        if (uv_write(&unsent->request, stream, &output, 1, written) < 0) {
            free(unsent);
            end(stream);
        }
    }
}

static void connected(uv_stream_t *listener, int status) {
    if (status < 0) {
        return;
    }
    uv_tcp_t *client = malloc(sizeof *client);
    uv_tcp_init(listener->loop, client);
    if (uv_accept(listener, (uv_stream_t *)client) < 0) {
        end((uv_stream_t *)client);
        return;
    }
    uv_tcp_nodelay(client, 1);
    uv_read_start((uv_stream_t *)client, lend, received);
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    struct sockaddr_in address;
    int length = sizeof address;
    check(uv_tcp_init(loop, &listener), "uv_tcp_init");
    check(uv_ip4_addr("127.0.0.1", argc > 1 ? atoi(argv[1]) : 0, &address), "uv_ip4_addr");
    check(uv_tcp_bind(&listener, (struct sockaddr *)&address, 0), "uv_tcp_bind");
    check(uv_listen((uv_stream_t *)&listener, BACKLOG, connected), "uv_listen");
    check(uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &length), "uv_tcp_getsockname");
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
