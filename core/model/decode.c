/* One step of a GPT on a CPU: a few tokens through all layers, behind what is in the cache.
 *
 * Writing a token at a time costs what it costs to read all weights once, and what the library asks for each of some
 * hundred small operations. Here all of them are one call: the weights are read in rows, as they stand, by as many threads
 * as PyTorch has, and nothing is allocated. The arithmetic is that of gpt.py, in float32; weights may be of one byte with a
 * scale for each row. More than a few tokens at once are PyTorch's work: matrix products are what it is good at.
 *
 * Shapes: R rows (B texts x T tokens), C hidden size, H heads, K key-value heads, D head size, W widest matrix, V vocabulary.
 */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <string.h>

#define MOST_SUMS 8   /* vectors that are added up at once: they fit into the registers */
#define MANY 6        /* inputs for which several rows at once pay */
#define LARGEST 16383 /* of the whole numbers that stand for inputs of a matrix of bytes */
#define BLOCK 1024    /* of their products with bytes that are added up before they are floats again */

typedef struct {
    const float *weight; /* (rows, columns), or NULL where they are bytes: */
    const int8_t *quantized;
    const float *scale; /* (rows) */
    const float *bias;  /* (rows), or NULL */
    int64_t rows, columns;
} Linear;

typedef struct {
    const float *weight, *bias; /* no bias: RMSNorm; no weight: nothing is normalised */
} Norm;

typedef struct {
    Norm before_attention, queries, keys, before_mlp;
    Linear qkv, output, first, down;
} Layer;

typedef struct {
    int64_t hidden, layers, heads, kv_heads, head_dim, inner, threads;
    int64_t activation; /* 0 silu, 1 gelu with tanh, 2 gelu with erf; the first is gated */
    float epsilon;
    const Layer *layer;
    Norm last;
    Linear head;
    const float *embedding, *positions;     /* (V, C); learned positions (S, C) or NULL */
    const float *cosines, *sines;           /* rotary table (S, D) as gpt.py has it, or NULL */
} Model;

typedef struct {
    int64_t texts, tokens, past, room; /* B, T, positions that are filled, positions there are */
    const int64_t *token;              /* (B, T) */
    const int64_t *padding;            /* (B): positions at the left that are nothing; or NULL */
    float *const *keys, *const *values; /* of each layer, (B, K, room, D) */
    float *x, *normed, *wide, *mixed, *scores; /* (R, C), (R, C), (R, W), (R, H x D), (threads, room) */
    int16_t *rounded;                    /* (R, W) */
    float *scales;                       /* (R) */
    float *logits;                     /* (B or R, V) */
    int64_t last;                      /* logits of each text's last token alone */
} Step;

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define NAMED(name) name##_avx2
#define LANES 8 /* longer vectors are no faster here: memory is what it waits for */
#include "decode.h"
#pragma GCC pop_options
#define CHOSEN (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? run_avx2 : run_any)
#else
#define CHOSEN run_any
#endif
#define NAMED(name) name##_any
#define LANES 4
#include "decode.h"

void newleaf_decode(const Model *m, const Step *s) {
    void (*run)(const Model *, const Step *) = CHOSEN;
#pragma omp parallel num_threads((int)m->threads)
    run(m, s);
}
