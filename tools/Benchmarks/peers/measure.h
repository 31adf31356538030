// What the C clients share: clocks, and a latency histogram.
#ifndef MEASURE_H
#define MEASURE_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SUB_BUCKETS = 64, BUCKETS = 64 * SUB_BUCKETS };

static uint64_t histogram[BUCKETS], recorded;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now_of(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) < 0) {
        die("clock_gettime");
    }
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t now(void) {
    return now_of(CLOCK_MONOTONIC);
}

static void allow_all_descriptors(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

// Log-linear: 64 steps per power of two, so a percentile is right within 1.6 %.
static unsigned bucket_of(uint64_t ns) {
    if (ns < SUB_BUCKETS) {
        return (unsigned)ns;
    }
    unsigned shift = (unsigned)(63 - __builtin_clzll(ns)) - 6;
    return (shift + 1) * SUB_BUCKETS + (unsigned)((ns >> shift) - SUB_BUCKETS);
}

static double value_of(unsigned bucket) {
    if (bucket < SUB_BUCKETS) {
        return bucket;
    }
    unsigned shift = bucket / SUB_BUCKETS - 1;
    return ((double)(bucket % SUB_BUCKETS + SUB_BUCKETS) + 0.5) * (double)(1ull << shift);
}

static void record(uint64_t ns) {
    histogram[bucket_of(ns)]++;
    recorded++;
}

static double percentile_us(double percent) {
    uint64_t rank = (uint64_t)((double)recorded * percent / 100.0), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if (seen > rank) {
            return value_of(i) / 1000.0;
        }
    }
    return 0;
}

// What a process had used when it was looked at. The sum is exact to the nanosecond; its parts are the kernel's estimate,
// which /proc tells in hundredths of a second.
struct usage {
    uint64_t cpu;
    unsigned long user_ticks, system_ticks;
};

static struct usage usage_of(pid_t process) {
    struct usage usage = {0};
    clockid_t clock;
    char path[64], text[1024];
    if (clock_getcpuclockid(process, &clock) != 0) {
        fprintf(stderr, "no CPU clock for process %d\n", (int)process);
        exit(1);
    }
    usage.cpu = now_of(clock);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        die(path);
    }
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    char *rest = strrchr(text, ')'); // the name before it may hold anything
    if (rest == NULL ||
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &usage.user_ticks, &usage.system_ticks) != 2) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    return usage;
}

// Starts the measured window: what was recorded before is forgotten.
static void open_window(void) {
    recorded = 0;
    memset(histogram, 0, sizeof histogram);
}

// The "key value" lines that end a run.
static void print_result(uint64_t operations, double elapsed, struct usage server_from, struct usage server_to, uint64_t client_cpu) {
    double user = (double)(server_to.user_ticks - server_from.user_ticks), system = (double)(server_to.system_ticks - server_from.system_ticks);
    printf("operations %llu\nseconds %.6f\np50_us %.2f\np99_us %.2f\ncpu_us %.3f\nuser_share %.4f\nclient_cpu_us %.3f\n",
           (unsigned long long)operations, elapsed, percentile_us(50), percentile_us(99), (double)(server_to.cpu - server_from.cpu) / 1000.0,
           user + system > 0 ? user / (user + system) : 0, (double)client_cpu / 1000.0);
}
#endif
