/* What training on a CPU asks of small matrices, in float32, with products of our own: causal attention and its gradients
 * (attention.h; tiles.h in bfloat16, where a processor has units for it), and Muon's orthogonal matrices (orthogonal.h). A
 * library's products are made for large matrices; here what is multiplied stays in a core's cache from one product to the
 * next. What the loss is between two products (loss.h), normalisation (norm.h) and the norm of all gradients (squares.h),
 * in one pass each. And products of large matrices for processors that the library was not made for (linear.h).
 *
 * Each thread has whole heads, matrices or rows, and every sum its order: the same bits for any number of threads.
 *
 * Shapes: B texts, H heads, K key-value heads, T tokens, D head size, a multiple of 16.
 */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 32 /* rows of scores at once */
#define PANEL 64 /* columns of a product at once: what they are multiplied by stays in the first cache */
#define AHEAD 16 /* tokens: so much earlier what is read of one is asked for */
#define AT_ONCE 512 /* rows whose products are added up at once: they stay in the second cache */
#define FEW 4096 /* numbers whose squares are added up in float32 */
#define LEAST -60.0f /* exponents below it are as good as this; the product of two smaller ones would be slow */

typedef struct {
    void *at;                  /* (B, H or K, T, D) */
    int64_t text, head, token; /* how many numbers apart they are; those of a token are side by side */
    int64_t half;              /* whether they are bfloat16 */
} Heads;

typedef struct {
    const float *weight;          /* (D): by which it is multiplied when it is normalised; or none: it is not */
    const float *cosines, *sines; /* (T, D), halves side by side, the first sines negated; or none: it is not turned */
    float epsilon;
    float *to_weight; /* (D): grows by the gradients of the weights: backward alone */
} Turning;

typedef struct {
    int64_t texts, heads, kv_heads, length, size, threads;
    int64_t tiles; /* whether to multiply tiles in bfloat16: D is a multiple of 32 then */
    Heads queries, keys, values, mixed; /* what went in, and what comes out: forward alone */
    const float *query_norm, *key_norm; /* (D): both or none */
    const float *cosines, *sines;       /* (T, D), as above; or none */
    float epsilon;
    float *sums;                                  /* (B, H, T): the logarithm of the sum of a row's exponentials */
    Heads slopes, to_queries, to_keys, to_values; /* the gradients of mixed, and of what went in: backward alone */
    float *to_norms; /* (B * K, 2, D): the first two rows become the gradients of both norms: backward alone */
    float *scratch;                               /* (threads, room) */
    int64_t room;
} Attention;

typedef struct {
    const float *in;
    float *out;      /* what is made of it; or, where it is a gradient that has a momentum, the weights */
    float *momentum; /* or none */
    int64_t rows, columns, row; /* rows are so many floats apart: it may be a part of a larger one */
    float rate;                 /* how many times what is made is taken from the weights */
} Matrix;

typedef struct {
    const Matrix *matrices;
    int64_t number, threads, steps, tiles; /* `tiles`: products with a matrix itself in bfloat16 */
    const float *terms; /* (steps, 3): the coefficients of each step */
    float oblong;       /* from where on, times as long as wide, the short side alone is less work */
    double momentum;    /* the share of it that is kept */
    float keep;         /* the share of the weights */
    float *scratch;     /* (threads, room) */
    int64_t room;
} Orthogonal;

typedef struct {
    int64_t rows, outputs, threads;
    int64_t row;            /* how many numbers rows of logits are apart: whole vectors */
    void *logits;           /* (N, V): they become their gradients; floats, or bfloat16 where there is scratch */
    const float *bias;      /* (V): added to each row of logits; or none */
    const float *counts;    /* (N): as how many a row counts; or none, where each is one */
    const int64_t *targets; /* (N) */
    float *losses;          /* (N) */
    float *scratch;         /* (threads, room) */
    int64_t room;
} Loss;

typedef struct {
    int64_t rows, width, threads;
    int64_t together; /* rows whose gradients of the weights are added up at once */
    int64_t half;     /* whether out, slopes, added and to_added are bfloat16 */
    float epsilon;
    const float *x, *weight; /* (N, C), (C) */
    float *factors;          /* (N): what a row was multiplied by */
    void *out;               /* (N, C): what comes out: forward alone */
    const void *added;       /* (N, C): is added to x first; or none */
    float *sum;              /* (N, C): x and what is added to it: where something is */
    const void *slopes;      /* (N, C): the gradients of out: backward alone, as what follows */
    const float *to_sum;     /* (N, C): those of the sum that is normalised; or none */
    float *to_x, *to_weight; /* (N, C), (N / together, C): the first row becomes the gradient of the weights */
    void *to_added;          /* (N, C): as to_x, in the type of what was added; or none */
} Norm;

typedef struct {
    int64_t rows, width, threads;
    int64_t half;          /* whether all are bfloat16 */
    const void *gate, *up; /* (N, I), side by side: rows are 2 I numbers apart */
    void *out;             /* (N, I): forward alone */
    const void *slopes;    /* (N, I): the gradients of out: backward alone, as what follows */
    void *to_gate, *to_up; /* as gate and up */
} Gated;

typedef struct {
    float *at;
    int64_t number;
} Gradient;

typedef struct {
    const Gradient *gradients;
    int64_t number, threads, at_once; /* how many numbers a thread takes at once */
    float most, norm; /* the norm of all together that is allowed, and what it is */
    double *parts;    /* (parts): the sums of squares of so many numbers each */
} Clip;

typedef struct {
    const float *at;
    int64_t row, column; /* how many floats apart they are */
} Numbers;

typedef struct {
    Numbers left, right; /* (rows, depth), (depth, columns) */
    float *out;          /* (rows, columns) */
    int64_t row;         /* its rows are so many floats apart */
    int64_t rows, columns, depth;
} Product;

typedef struct {
    const Product *products; /* one behind the other */
    int64_t number, threads;
    int64_t add; /* whether what comes out is added to what is there */
    float *scratch;
} Linear;

typedef struct {
    int64_t rows, outputs, inputs, threads; /* outputs and inputs are multiples of 32 */
    const uint16_t *left, *right;           /* (N, O), (N, I), in bfloat16 */
    int64_t left_row, right_row, out_row;   /* how many numbers apart rows are */
    float *out;                             /* (O, I) */
    int64_t add;                            /* whether what comes out is added to what is there */
    void *scratch;
} Outer;

typedef struct {
    int64_t rows, width, threads, half; /* as of a norm */
    int64_t length;                     /* rows of a text */
    const float *kept;                  /* (B, C), texts so many floats apart: times what is added; or none */
    int64_t kept_text;
    const float *x; /* (N, C): that to which it is added; or the gradients of the sum */
    void *added;    /* (N, C) */
    float *sum;     /* (N, C) */
} Stream;

/* A library's product of matrices, as BLAS's sgemm; of its whole numbers, which are 4 bytes or 8, the first 4 are read. */
typedef void Multiply(
    const char *, const char *, const int64_t *, const int64_t *, const int64_t *, const float *, const float *, const int64_t *,
    const float *, const int64_t *, const float *, float *, const int64_t *);

typedef struct {
    int64_t texts, length, width, inner, heads, kv_heads, size, threads; /* B, T, C, I, H, K, D */
    int64_t together; /* as of a norm */
    int64_t half;     /* whether products are in bfloat16, by tiles */
    float epsilon;    /* of all norms */
    Multiply *library; /* in float32; or none: by linear.h */
    const float *first_norm, *queries, *keys, *values, *query_norm, *key_norm, *output, *second_norm, *gate, *up, *down;
    const float *cosines, *sines; /* (T, D), as above */
    const float *kept;            /* (B, 2, C): times what attention and the MLP add; or none */
    int64_t kept_text;
    const float *x;  /* (N, C) */
    float *out;      /* (N, C): forward alone */
    void *room;      /* what is kept between, in bytes as newleaf_layer_room says */
    void *scratch;   /* the same, as newleaf_layer_scratch */
    const float *slopes; /* (N, C): the gradients of out: backward alone, as what follows */
    float *to_x;
    float *to_first_norm, *to_heads, *to_head_norms, *to_output, *to_second_norm, *to_inner, *to_down;
    /* those of weights, of several one behind the other; of maps none where they are not wanted */
} Layer;

#define INLINE static inline __attribute__((always_inline))
#define EACH_BLOCK(begin, rows, length) \
    for (int64_t begin = 0, rows; begin < length && (rows = length - begin < BLOCK ? length - begin : BLOCK); begin += BLOCK)
#define EACH_PANEL(begin, columns, length) \
    for (int64_t begin = 0, columns; begin < length && (columns = length - begin < PANEL ? length - begin : PANEL); \
         begin += PANEL)

/* A function of either type, for the one that a structure says. */
#define EITHER(function, o, ...) ((o)->half ? function(o, 1, __VA_ARGS__) : function(o, 0, __VA_ARGS__))

/* How many floats apart rows of so many are: an odd number of cache lines, so that they do not drive each other out. */
static inline int64_t odd_lines(int64_t length) { return ((length + 15) / 16 | 1) * 16; }

/* The same for rows of scores, of whole panels. */
static inline int64_t row_of(int64_t length) { return odd_lines((length + PANEL - 1) / PANEL * PANEL); }

/* How many floats a square matrix has room for. */
static inline int64_t square_of(int64_t width) { return odd_lines(width) * ((width + 15) / 16 * 16); }

/* How many floats a thread needs. */
int64_t newleaf_attention_room(int64_t length, int64_t size) {
    return row_of(length) * (7 * size + 4 * BLOCK) + BLOCK * size;
}
int64_t newleaf_orthogonal_room(int64_t rows, int64_t columns) {
    const int64_t width = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
    return 2 * odd_lines(width) * length + 4 * square_of(width);
}

/* Whether a matrix is so much longer than wide that all steps are done on its short side. */
INLINE int is_oblong(const Orthogonal *o, const Matrix *matrix) {
    const int64_t rows = matrix->rows, columns = matrix->columns;
    return rows > columns ? rows >= o->oblong * columns : columns >= o->oblong * rows;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>

/* Four by four numbers, rows for columns. */
INLINE void turn(const float *from, int64_t row, float *to, int64_t to_row) {
    __m128 a = _mm_loadu_ps(from), b = _mm_loadu_ps(from + row), c = _mm_loadu_ps(from + 2 * row),
           d = _mm_loadu_ps(from + 3 * row);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(to, a);
    _mm_storeu_ps(to + to_row, b);
    _mm_storeu_ps(to + 2 * to_row, c);
    _mm_storeu_ps(to + 3 * to_row, d);
}

/* The same of any matrix (rows, columns). */
INLINE void turn_by_fours(int64_t rows, int64_t columns, const float *from, int64_t row, float *to, int64_t to_row) {
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        int64_t j = 0;
        for (; j + 4 <= columns; j += 4) turn(from + i * row + j, row, to + j * to_row + i, to_row);
        for (; j < columns; j++)
            for (int64_t k = i; k < i + 4; k++) to[j * to_row + k] = from[k * row + j];
    }
    for (; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) to[j * to_row + i] = from[i * row + j];
}

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define NAMED(name) name##_avx2
#define LANES 8
#define ROWS 6
#define VECTORS 2
#include "lanes.h"
#include "turned.h"
#include "product.h"
#include "halves.h"
#include "squares.h"
#include "softmax.h"
#include "heads.h"
#include "attention.h"
#include "orthogonal.h"
#include "loss.h"
#include "norm.h"
#include "gated.h"
#include "stream.h"
#include "linear.h"
#undef NAMED
#undef LANES
#undef ROWS
#undef VECTORS
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#define NAMED(name) name##_avx512
#define LANES 16
#define ROWS 4
#define VECTORS 4
#include "lanes.h"
#include "turned.h"
#include "product.h"
#include "halves.h"
#include "squares.h"
#include "softmax.h"
#include "heads.h"
#include "attention.h"
#include "orthogonal.h"
#include "loss.h"
#include "norm.h"
#include "gated.h"
#include "stream.h"
#include "linear.h"
#pragma GCC pop_options

/* The longest vectors this processor has, in floats; 0: leave it to PyTorch. */
int newleaf_training_lanes(void) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl") ? 16 : 8;
}

#if __GNUC__ >= 11 && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16,prefer-vector-width=512")
#include "tiles.h"
#pragma GCC pop_options

/* How this processor multiplies tiles of bfloat16 from now on: 2: by the unit, if it may be `unit`, and the system lets this process
 * use it; 1: by pairs; 0: not at all. */
int newleaf_tiles(int unit) {
    const int request = 0x1023, data = 18; /* ARCH_REQ_XCOMP_PERM, of XFEATURE_XTILEDATA, from Linux's asm/prctl.h */
    if (newleaf_training_lanes() < 16 || !__builtin_cpu_supports("avx512bf16")) return 0;
    has_unit = unit && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
               !syscall(SYS_arch_prctl, request, data);
    return 1 + has_unit;
}

/* Whether that is faster here than PyTorch's products: Intel's processors multiply pairs at half the rate of float32. */
int newleaf_tiles_pay(void) { return newleaf_tiles(1) > (__builtin_cpu_is("amd") ? 0 : 1); }
#else
typedef int Tile, TileConfig;
static void enter_tiles(TileConfig *before) {}
static void leave_tiles(const TileConfig *before) {}
static void forward_tiles(const Attention *a, int64_t text, int64_t kv_head, float *scratch) {}
static void backward_tiles(const Attention *a, int64_t text, int64_t kv_head, float *scratch) {}
static void orthogonal_tiles(const Orthogonal *o, const Matrix *matrix, float *scratch) {}
static void lay_right(const Outer *o, int64_t begin, int64_t chunk, Tile *tiles) {}
static void lay_left(const Outer *o, int64_t begin, int64_t chunk, int64_t from, int64_t to, Tile *tiles) {}
static void outer_rows(const Outer *o, int64_t begin, int64_t chunks, int64_t row, const Tile *left, const Tile *right) {}
#define BLOCKS 1
static void lay_weights(const float *weights, int64_t inputs, int64_t chunk, int64_t begin, int64_t deep, int back, Tile *to) {}
static void map_rows(
    const uint16_t *in, int64_t rows, const Tile *right, int64_t deep, int64_t columns, uint16_t *out, uint16_t *spare) {}
int newleaf_tiles(int unit) { return 0; }
int newleaf_tiles_pay(void) { return 0; }
#endif

/* The sum of some rows, which the first becomes. */
static void add_up(int64_t rows, int64_t width, float *to) {
    for (int64_t i = 1; i < rows; i++)
        for (int64_t j = 0; j < width; j++) to[j] += to[i * width + j];
}

typedef void Part(const Attention *, int64_t, int64_t, float *);

static void each_head(const Attention *a, Part *part) {
#pragma omp parallel num_threads((int)a->threads)
    {
        float *scratch = a->scratch + omp_get_thread_num() * a->room;
        TileConfig before;
        if (a->tiles) enter_tiles(&before);
#pragma omp for collapse(2) schedule(static)
        for (int64_t text = 0; text < a->texts; text++)
            for (int64_t head = 0; head < a->kv_heads; head++) part(a, text, head, scratch);
        if (a->tiles) leave_tiles(&before);
    }
}

void newleaf_attention_forward(const Attention *a, int lanes) {
    each_head(a, a->tiles ? forward_tiles : lanes == 16 ? forward_avx512 : forward_avx2);
}

void newleaf_attention_backward(const Attention *a, int lanes) {
    each_head(a, a->tiles ? backward_tiles : lanes == 16 ? backward_avx512 : backward_avx2);
    if (a->query_norm) add_up(a->texts * a->kv_heads, 2 * a->size, a->to_norms);
}

/* How many floats are needed for so many outputs and inputs. */
int64_t newleaf_outer_room(int64_t outputs, int64_t inputs) { return AT_ONCE / 2 * (outputs + inputs); }

/* Only where newleaf_tiles. */
void newleaf_outer(const Outer *o, int lanes) {
    Tile *right = o->scratch, *left = (Tile *)((float *)o->scratch + newleaf_outer_room(0, o->inputs));
#pragma omp parallel num_threads((int)o->threads)
    {
        const int64_t blocks = o->outputs / 32, thread = omp_get_thread_num(), threads = omp_get_num_threads();
        const int64_t from = blocks * thread / threads * 32, to = blocks * (thread + 1) / threads * 32;
        TileConfig before;
        enter_tiles(&before);
        for (int64_t begin = 0; begin < o->rows; begin += AT_ONCE) {
            const int64_t rest = o->rows - begin, chunks = ((rest < AT_ONCE ? rest : AT_ONCE) + 31) / 32;
#pragma omp for schedule(static) nowait
            for (int64_t chunk = 0; chunk < chunks; chunk++) lay_right(o, begin, chunk, right);
            for (int64_t chunk = 0; chunk < chunks; chunk++) lay_left(o, begin, chunk, from, to, left);
#pragma omp barrier
            for (int64_t row = from; row < to; row += 32) outer_rows(o, begin, chunks, row, left, right);
#pragma omp barrier
        }
        leave_tiles(&before);
    }
}

/* A matrix made orthogonal: in tiles where it is whole ones, and all steps are done on its short side. */
static void one_orthogonal(const Orthogonal *o, const Matrix *matrix, int lanes, float *scratch) {
    if (o->tiles && matrix->rows % 32 + matrix->columns % 32 == 0 && is_oblong(o, matrix)) orthogonal_tiles(o, matrix, scratch);
    else lanes == 16 ? orthogonal_avx512(o, matrix, scratch) : orthogonal_avx2(o, matrix, scratch);
}

void newleaf_orthogonal(const Orthogonal *o, int lanes) {
#pragma omp parallel num_threads((int)o->threads)
    {
        float *scratch = o->scratch + omp_get_thread_num() * o->room;
        TileConfig before;
        if (o->tiles) enter_tiles(&before);
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < o->number; i++) one_orthogonal(o, o->matrices + i, lanes, scratch);
        if (o->tiles) leave_tiles(&before);
    }
}

void newleaf_loss(const Loss *o, int lanes) {
#pragma omp parallel num_threads((int)o->threads)
    {
        float *scratch = o->scratch ? o->scratch + omp_get_thread_num() * o->room : 0;
#pragma omp for schedule(static)
        for (int64_t i = 0; i < o->rows; i++)
            if (scratch) {
                uint16_t *row = (uint16_t *)o->logits + i * o->row;
                lanes == 16 ? slopes_of_halves_avx512(o, i, row, scratch) : slopes_of_halves_avx2(o, i, row, scratch);
            } else {
                float *row = (float *)o->logits + i * o->row;
                lanes == 16 ? slopes_of_avx512(o, i, row) : slopes_of_avx2(o, i, row);
            }
    }
}

void newleaf_norm(const Norm *o, int lanes) {
#pragma omp parallel for num_threads((int)o->threads) schedule(static)
    for (int64_t i = 0; i < o->rows; i++) (lanes == 16 ? norm_row_avx512 : norm_row_avx2)(o, i);
}

void newleaf_norm_backward(const Norm *o, int lanes) {
    const int64_t parts = (o->rows + o->together - 1) / o->together;
#pragma omp parallel for num_threads((int)o->threads) schedule(static)
    for (int64_t i = 0; i < parts; i++) {
        const int64_t begin = i * o->together, end = begin + o->together < o->rows ? begin + o->together : o->rows;
        (lanes == 16 ? norm_slopes_avx512 : norm_slopes_avx2)(o, begin, end, o->to_weight + i * o->width);
    }
    add_up(parts, o->width, o->to_weight);
}

void newleaf_gated(const Gated *o, int lanes) {
#pragma omp parallel for num_threads((int)o->threads) schedule(static)
    for (int64_t i = 0; i < o->rows; i++) (lanes == 16 ? gated_avx512 : gated_avx2)(o, i);
}

void newleaf_gated_backward(const Gated *o, int lanes) {
#pragma omp parallel for num_threads((int)o->threads) schedule(static)
    for (int64_t i = 0; i < o->rows; i++) (lanes == 16 ? gated_slopes_avx512 : gated_slopes_avx2)(o, i);
}

/* Gradients become smaller where the norm of all together is higher than is allowed. As PyTorch's clip_grad_norm_. */
void newleaf_clip(Clip *o, int lanes) {
    float by = 1;
#pragma omp parallel num_threads((int)o->threads)
    {
        double *parts = o->parts;
        for (int64_t g = 0; g < o->number; g++) {
            const Gradient some = o->gradients[g];
            const int64_t number = (some.number + o->at_once - 1) / o->at_once;
#pragma omp for schedule(static) nowait
            for (int64_t i = 0; i < number; i++) {
                const int64_t begin = i * o->at_once, rest = some.number - begin;
                parts[i] = (lanes == 16 ? squares_avx512 : squares_avx2)(some.at + begin, rest < o->at_once ? rest : o->at_once);
            }
            parts += number;
        }
#pragma omp barrier
#pragma omp single
        {
            double all = 0;
            for (const double *part = o->parts; part < parts; part++) all += *part;
            o->norm = (float)sqrt(all);
            by = o->most / (o->norm + 1e-6f);
        }
        if (by < 1)
            for (int64_t g = 0; g < o->number; g++) {
                float *at = o->gradients[g].at;
#pragma omp for schedule(static) nowait
                for (int64_t i = 0; i < o->gradients[g].number; i++) at[i] *= by;
            }
    }
}

/* Whether products of large matrices are faster here than PyTorch's, whose library was made for Intel's processors. */
int newleaf_linear_pays(void) { return __builtin_cpu_is("amd") && newleaf_training_lanes(); }

int64_t newleaf_linear_room(const Linear *l, int lanes) { return (lanes == 16 ? linear_room_avx512 : linear_room_avx2)(l); }
void newleaf_linear(const Linear *l, int lanes) { (lanes == 16 ? linear_avx512 : linear_avx2)(l); }

#include "layer.h"
#else
int newleaf_training_lanes(void) { return 0; }
int newleaf_tiles(int unit) { return 0; }
int newleaf_tiles_pay(void) { return 0; }
void newleaf_attention_forward(const Attention *a, int lanes) {}
void newleaf_attention_backward(const Attention *a, int lanes) {}
void newleaf_orthogonal(const Orthogonal *o, int lanes) {}
void newleaf_loss(const Loss *o, int lanes) {}
void newleaf_clip(Clip *o, int lanes) {}
void newleaf_norm(const Norm *o, int lanes) {}
void newleaf_norm_backward(const Norm *o, int lanes) {}
void newleaf_gated(const Gated *o, int lanes) {}
void newleaf_gated_backward(const Gated *o, int lanes) {}
int64_t newleaf_outer_room(int64_t outputs, int64_t inputs) { return 0; }
void newleaf_outer(const Outer *o, int lanes) {}
int newleaf_linear_pays(void) { return 0; }
int64_t newleaf_linear_room(const Linear *l, int lanes) { return 0; }
void newleaf_linear(const Linear *l, int lanes) {}
int64_t newleaf_layer_room(const Layer *l) { return 0; }
int64_t newleaf_layer_scratch(const Layer *l, int back) { return 0; }
void newleaf_layer(const Layer *l, int lanes) {}
void newleaf_layer_backward(const Layer *l, int lanes) {}
#endif
