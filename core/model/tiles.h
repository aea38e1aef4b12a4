/* Causal attention in bfloat16 on processors that multiply tiles of matrices (Intel's AMX), or pairs of numbers (AVX-512 with
 * BF16): what attention.h does, and as there, but what is multiplied is rounded to bfloat16 as it is laid into tiles. Sums stay
 * in float32. training.c includes this after the kind of processor with vectors of 16 floats.
 *
 * The unit multiplies a tile of rows of 32 numbers by one in which pairs of rows are woven into each other, and the one
 * turned, pairs staying together, is the other. Pairs are multiplied as they lie in the same tiles. */
#define SIDE 16 /* rows of a tile, and pairs of a row */
#define DEPTH 32 /* numbers of a row; also BLOCK */
#define NEAR 16 /* tiles of a row of them at once: they stay in the first cache */
#define HELD 8 /* rows of sums in registers, where pairs are multiplied */

typedef struct {
    __m512i row[SIDE];
} Tile;

typedef struct {
    uint8_t palette, first_row, unused[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} TileConfig;

static int has_unit; /* for tiles: newleaf_tiles finds out */

/* All tiles whole, until `leave_tiles`; others who use the unit in this thread find it as they left it. */
static void enter_tiles(TileConfig *before) {
    if (!has_unit) return;
    TileConfig whole = {.palette = 1};
    for (int i = 0; i < 8; i++) whole.bytes[i] = 64, whole.rows[i] = SIDE;
    __asm__ volatile("" : "+m"(whole), "=m"(*before)); /* some compilers think that 8 bytes of it are read */
    _tile_storeconfig(before);
    _tile_loadconfig(&whole);
}

static void leave_tiles(const TileConfig *before) {
    if (!has_unit) return;
    if (before->palette) _tile_loadconfig(before);
    else _tile_release();
}

/* Two times 16 numbers of a row; of a row that is not there, zeros. */
INLINE __m512i both(const float *first, const float *second) {
    const __m512 zeros = _mm512_setzero_ps();
    return (__m512i)_mm512_cvtne2ps_pbh(second ? _mm512_loadu_ps(second) : zeros, first ? _mm512_loadu_ps(first) : zeros);
}

/* (16, 32) numbers, of whose rows so many are there. */
INLINE void lay(const float *from, int64_t row, int64_t rows, Tile *to) {
    for (int64_t i = 0; i < SIDE; i++) {
        const float *its = i < rows ? from + i * row : 0;
        to->row[i] = both(its, its ? its + SIDE : 0);
    }
}

/* Which of two times 16 numbers comes where when they are woven. */
INLINE __m512i woven(void) {
    uint16_t places[DEPTH];
    for (int i = 0; i < DEPTH; i++) places[i] = i / 2 + i % 2 * SIDE;
    return _mm512_loadu_si512(places);
}

/* (32, 16) numbers, of whose rows so many are there: pairs of rows woven into each other. */
INLINE void weave(const float *from, int64_t row, int64_t rows, Tile *to) {
    const __m512i order = woven();
    for (int64_t i = 0; i < SIDE; i++) {
        const float *first = 2 * i < rows ? from + 2 * i * row : 0, *second = 2 * i + 1 < rows ? first + row : 0;
        to->row[i] = _mm512_permutexvar_epi16(order, both(first, second));
    }
}

/* Rows for columns, pairs staying together. */
static void turn_tile(const Tile *from, Tile *to) {
    __m512i x[SIDE], y[SIDE];
    for (int i = 0; i < SIDE; i += 2) { /* of two rows, every other pair */
        y[i] = _mm512_unpacklo_epi32(from->row[i], from->row[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi32(from->row[i], from->row[i + 1]);
    }
    for (int i = 0; i < SIDE; i += 4) { /* of four rows, a column in each quarter */
        x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
    for (int i = 0; i < 4; i++) { /* quarters of four times four rows */
        const __m512i a = _mm512_shuffle_i32x4(x[i], x[4 + i], 0x88), b = _mm512_shuffle_i32x4(x[i], x[4 + i], 0xdd);
        const __m512i c = _mm512_shuffle_i32x4(x[8 + i], x[12 + i], 0x88), d = _mm512_shuffle_i32x4(x[8 + i], x[12 + i], 0xdd);
        to->row[i] = _mm512_shuffle_i32x4(a, c, 0x88);
        to->row[4 + i] = _mm512_shuffle_i32x4(b, d, 0x88);
        to->row[8 + i] = _mm512_shuffle_i32x4(a, c, 0xdd);
        to->row[12 + i] = _mm512_shuffle_i32x4(b, d, 0xdd);
    }
}

/* Tiles where they lie: how many further on the next rows or columns are, and what they are multiplied with next. */
typedef struct {
    const Tile *at;
    int64_t side, depth;
} Tiles;

/* Rows that are multiplied, in tiles or as they lie: how many bytes apart they are, the next 16, and the next 32 numbers. */
typedef struct {
    const char *at;
    int64_t row, side, depth;
} Lines;

static void by_unit(Lines left, Tiles right, int64_t depth, float *c, int64_t c_row, int add) {
    const int64_t bytes = c_row * sizeof *c;
    float *second = c + SIDE * c_row;
    if (add) {
        _tile_loadd(0, c, bytes);
        _tile_loadd(1, c + SIDE, bytes);
        _tile_loadd(2, second, bytes);
        _tile_loadd(3, second + SIDE, bytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int64_t k = 0; k < depth; k++, left.at += left.depth, right.at += right.depth) {
        _tile_loadd(4, left.at, left.row);
        _tile_loadd(5, left.at + left.side, left.row);
        _tile_loadd(6, right.at, 64);
        _tile_loadd(7, right.at + right.side, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, bytes);
    _tile_stored(1, c + SIDE, bytes);
    _tile_stored(2, second, bytes);
    _tile_stored(3, second + SIDE, bytes);
}

static void by_pairs(Lines left, Tiles right, int64_t depth, float *c, int64_t c_row, int add) {
    for (int64_t i = 0; i < DEPTH; i += HELD, c += HELD * c_row) {
        const char *rows = left.at + i / SIDE * left.side + i % SIDE * left.row;
        const Tile *first = right.at, *second = first + right.side;
        __m512 sums[HELD][2];
#pragma GCC unroll 8
        for (int r = 0; r < HELD; r++)
            for (int s = 0; s < 2; s++) sums[r][s] = add ? _mm512_loadu_ps(c + r * c_row + s * SIDE) : _mm512_setzero_ps();
        for (int64_t k = 0; k < depth; k++, rows += left.depth, first += right.depth, second += right.depth)
#pragma GCC unroll 4
            for (int64_t p = 0; p < SIDE; p++) {
                const __m512bh a = (__m512bh)first->row[p], b = (__m512bh)second->row[p];
#pragma GCC unroll 8
                for (int r = 0; r < HELD; r++) {
                    int32_t pair;
                    memcpy(&pair, rows + r * left.row + p * sizeof pair, sizeof pair);
                    const __m512bh same = (__m512bh)_mm512_set1_epi32(pair);
                    sums[r][0] = _mm512_dpbf16_ps(sums[r][0], same, a);
                    sums[r][1] = _mm512_dpbf16_ps(sums[r][1], same, b);
                }
            }
#pragma GCC unroll 8
        for (int r = 0; r < HELD; r++)
            for (int s = 0; s < 2; s++) _mm512_storeu_ps(c + r * c_row + s * SIDE, sums[r][s]);
    }
}

/* c (32, 32) becomes, or grows by, 32 rows times two columns of woven tiles, so many tiles deep. */
INLINE void block_product(Lines left, Tiles right, int64_t depth, float *c, int64_t c_row, int add) {
    if (has_unit) by_unit(left, right, depth, c, c_row, add);
    else by_pairs(left, right, depth, c, c_row, add);
}

/* c (rows, columns), both multiples of 32, becomes, or grows by, tiles of rows times woven tiles, so many deep. */
static void tiles_product(Tiles a, Tiles b, int64_t rows, int64_t columns, int64_t depth, float *c, int64_t c_row, int add) {
    for (int64_t i = 0; i < rows / DEPTH; i++)
        for (int64_t j = 0; j < columns / DEPTH; j++) {
            const Lines left = {(const char *)(a.at + 2 * i * a.side), 64, a.side * sizeof(Tile), a.depth * sizeof(Tile)};
            const Tiles right = {b.at + 2 * j * b.side, b.side, b.depth};
            block_product(left, right, depth, c + i * DEPTH * c_row + j * DEPTH, c_row, add);
        }
}

/* A matrix (T, D), as a head's tokens are, in tiles: for each 16 rows D / 32; `turned`: as the other factor of a product over D. */
static void lay_matrix(const float *from, int64_t row, int64_t length, int64_t size, Tile *to, int turned) {
    Tile rows;
    for (int64_t begin = 0; begin < length; begin += SIDE)
        for (int64_t j = 0; j < size; j += DEPTH, to++) {
            lay(from + begin * row + j, row, length - begin, turned ? &rows : to);
            if (turned) turn_tile(&rows, to);
        }
    if ((length + SIDE - 1) / SIDE % 2) memset(to, 0, size / DEPTH * sizeof *to);
}

/* The same for products over T: for each 32 rows D / 16, woven; `turned`: as the factor on the left. */
static void weave_matrix(const float *from, int64_t row, int64_t length, int64_t size, Tile *to, int turned) {
    Tile pairs;
    for (int64_t begin = 0; begin < length; begin += DEPTH)
        for (int64_t j = 0; j < size; j += SIDE, to++) {
            weave(from + begin * row + j, row, length - begin, turned ? &pairs : to);
            if (turned) turn_tile(&pairs, to);
        }
}

/* A block of scores (32, wide), of whose rows so many are there, as the factor on the left: for each 16 rows wide / 32. */
static void lay_scores(const float *scores, int64_t row, int64_t rows, int64_t wide, Tile *to) {
    for (int64_t i = 0; i < BLOCK; i += SIDE)
        for (int64_t j = 0; j < wide; j += DEPTH) lay(scores + i * row + j, row, rows - i, to++);
}

/* And woven, as the factor on the right: wide / 16. */
static void weave_scores(const float *scores, int64_t row, int64_t rows, int64_t wide, Tile *to) {
    for (int64_t j = 0; j < wide; j += SIDE) weave(scores + j, row, rows, to++);
}

static void forward_tiles(const Attention *a, int64_t text, int64_t kv_head, float *scratch) {
    const int64_t length = a->length, size = a->size, W = row_of(length), group = a->heads / a->kv_heads;
    const int64_t across = size / SIDE, deep = size / DEPTH;
    const float scale = 1 / sqrtf((float)size);
    float *plain = scratch, *mixed = plain + size * W, *scores = mixed + size * W;
    Tile *keys = (Tile *)(scores + BLOCK * W), *values = keys + size * W / 512, *queries = values + size * W / 512;
    Tile *shares = queries + size * W / 512;
    const Turning query = turning_of(a, a->query_norm, 0), key = turning_of(a, a->key_norm, 0), as_it_is = {0};
    gather(&a->keys, &key, text, kv_head, length, size, plain);
    lay_matrix(plain, size, length, size, keys, 1);
    gather(&a->values, &as_it_is, text, kv_head, length, size, plain);
    weave_matrix(plain, size, length, size, values, 0);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        gather(&a->queries, &query, text, head, length, size, plain);
        lay_matrix(plain, size, length, size, queries, 0);
        float *sums = a->sums + (text * a->heads + head) * length;
        EACH_BLOCK(begin, rows, length) {
            const int64_t wide = begin + BLOCK;
            const Tiles some = {queries + begin / SIDE * deep, deep, 1};
            tiles_product(some, (Tiles){keys, deep, 1}, BLOCK, wide, deep, scores, W, 0);
            for (int64_t i = 0; i < rows; i++) sums[begin + i] = softmax(scores + i * W, wide, begin + i + 1, scale);
            lay_scores(scores, W, rows, wide, shares);
            const int64_t chunks = wide / DEPTH;
            tiles_product(
                (Tiles){shares, chunks, 1}, (Tiles){values, 1, across}, BLOCK, size, chunks, mixed + begin * size, size, 0);
        }
        scatter(&a->mixed, &a->mixed, &as_it_is, text, head, 0, length, size, mixed);
    }
}

static void backward_tiles(const Attention *a, int64_t text, int64_t kv_head, float *scratch) {
    const int64_t length = a->length, size = a->size, W = row_of(length), group = a->heads / a->kv_heads;
    const int64_t across = size / SIDE, deep = size / DEPTH, all = size * W / 512;
    const float scale = 1 / sqrtf((float)size);
    float *plain = scratch, *to_keys = plain + size * W, *to_values = to_keys + size * W;
    float *scores = to_values + size * W, *to_scores = scores + BLOCK * W, *to_queries = to_scores + BLOCK * W;
    Tile *keys_turned = (Tile *)(to_queries + BLOCK * size), *keys = keys_turned + all, *values_turned = keys + all;
    Tile *queries = values_turned + all, *queries_turned = queries + all;
    Tile *slopes = queries_turned + all, *slopes_turned = slopes + all;
    Tile *shares = slopes_turned + all, *to_shares = shares + W / SIDE, *to_rows = to_shares + W / SIDE;
    float *to_norms = a->to_norms + (text * a->kv_heads + kv_head) * 2 * size;
    const Turning query = turning_of(a, a->query_norm, to_norms), key = turning_of(a, a->key_norm, to_norms + size);
    const Turning as_it_is = {0};
    if (a->query_norm) memset(to_norms, 0, 2 * size * sizeof *to_norms);
    gather(&a->keys, &key, text, kv_head, length, size, plain);
    lay_matrix(plain, size, length, size, keys_turned, 1);
    weave_matrix(plain, size, length, size, keys, 0);
    gather(&a->values, &as_it_is, text, kv_head, length, size, plain);
    lay_matrix(plain, size, length, size, values_turned, 1);
    memset(to_keys, 0, size * W * sizeof *to_keys); /* (D, T), as those of the values */
    memset(to_values, 0, size * W * sizeof *to_values);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        gather(&a->queries, &query, text, head, length, size, plain);
        lay_matrix(plain, size, length, size, queries, 0);
        weave_matrix(plain, size, length, size, queries_turned, 1);
        gather(&a->slopes, &as_it_is, text, head, length, size, plain);
        lay_matrix(plain, size, length, size, slopes, 0);
        weave_matrix(plain, size, length, size, slopes_turned, 1);
        const float *sums = a->sums + (text * a->heads + head) * length;
        EACH_BLOCK(begin, rows, length) {
            const int64_t wide = begin + BLOCK, chunks = wide / DEPTH, at = begin / SIDE * deep;
            tiles_product((Tiles){queries + at, deep, 1}, (Tiles){keys_turned, deep, 1}, BLOCK, wide, deep, scores, W, 0);
            tiles_product((Tiles){slopes + at, deep, 1}, (Tiles){values_turned, deep, 1}, BLOCK, wide, deep, to_scores, W, 0);
            for (int64_t i = 0; i < rows; i++)
                slope(scores + i * W, to_scores + i * W, wide, begin + i + 1, scale, sums[begin + i]);
            lay_scores(to_scores, W, rows, wide, to_rows);
            weave_scores(scores, W, rows, wide, shares);
            weave_scores(to_scores, W, rows, wide, to_shares);
            tiles_product((Tiles){to_rows, chunks, 1}, (Tiles){keys, 1, across}, BLOCK, size, chunks, to_queries, size, 0);
            const int64_t turned_at = begin / DEPTH * across;
            tiles_product((Tiles){slopes_turned + turned_at, 1, 1}, (Tiles){shares, 1, 1}, size, wide, 1, to_values, W, 1);
            tiles_product((Tiles){queries_turned + turned_at, 1, 1}, (Tiles){to_shares, 1, 1}, size, wide, 1, to_keys, W, 1);
            scatter(&a->to_queries, &a->queries, &query, text, head, begin, rows, size, to_queries);
        }
    }
    turned(size, length, to_keys, W, plain, size);
    scatter(&a->to_keys, &a->keys, &key, text, kv_head, 0, length, size, plain);
    turned(size, length, to_values, W, plain, size);
    scatter(&a->to_values, &a->values, &as_it_is, text, kv_head, 0, length, size, plain);
}

/* Muon's oblong matrices: what is multiplied with the matrix itself is rounded to bfloat16, as its gradient was made; what the
 * steps make of its gram matrix stays in float32, as they enlarge what is small, and errors with it, hundreds of times. */
static void orthogonal_tiles(const Orthogonal *o, const Matrix *matrix, float *scratch) {
    const int64_t rows = matrix->rows, columns = matrix->columns, number = rows * columns;
    const int tall = rows > columns;
    const int64_t n = tall ? columns : rows, row = odd_lines(n), square = square_of(n), deep = (tall ? rows : columns) / DEPTH;
    float *x = scratch, *gram = x + 2 * number, *factor = gram + square;
    Tile *left = (Tile *)(x + number), *right = left + number / 512;
    take(o, matrix, x);
    if (tall) {
        weave_matrix(x, columns, rows, columns, left, 1);
        weave_matrix(x, columns, rows, columns, right, 0);
    } else {
        lay_matrix(x, columns, rows, columns, left, 0);
        lay_matrix(x, columns, rows, columns, right, 1);
    }
    const int64_t side = tall ? 1 : deep, depth = tall ? n / SIDE : 1;
    for (int64_t i = 0; i < n; i += DEPTH) /* up to where a row meets the diagonal */
        tiles_product(
            (Tiles){left + i / SIDE * side, side, depth}, (Tiles){right, side, depth}, DEPTH, i + DEPTH, deep, gram + i * row, row, 0);
    mirror(n, gram, row);
    const float *all = product_of_steps(o, n, gram, factor, factor + square, factor + 2 * square, row);
    lay_matrix(tall ? x : all, tall ? columns : row, rows, n, left, 0);
    weave_matrix(tall ? all : x, tall ? row : columns, n, columns, right, 0);
    tiles_product((Tiles){left, n / DEPTH, 1}, (Tiles){right, 1, columns / SIDE}, rows, columns, n / DEPTH, x, columns, 0);
    give(o, matrix, x, columns);
}

/* Gradients of weights: the rows of a matrix (N, O) by those of another (N, I), summed up, (O, I). Some rows at once are laid
 * into tiles, those of the second matrix once for all threads. */

/* (32, 16) numbers in bfloat16, of whose rows so many are there, woven. */
INLINE void weave_halves(const uint16_t *from, int64_t row, int64_t rows, __m512i order, Tile *to) {
    const __m256i zeros = _mm256_setzero_si256();
    for (int64_t i = 0; i < SIDE; i++) {
        const uint16_t *its = from + 2 * i * row;
        const __m256i first = 2 * i < rows ? _mm256_loadu_si256((const __m256i *)its) : zeros;
        const __m256i second = 2 * i + 1 < rows ? _mm256_loadu_si256((const __m256i *)(its + row)) : zeros;
        to->row[i] = _mm512_permutexvar_epi16(order, _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1));
    }
}

/* The chunk-th 32 rows of those that are laid at once, from `begin` on, in the order in which they are needed. */
static void lay_right(const Outer *o, int64_t begin, int64_t chunk, Tile *tiles) {
    const int64_t first = begin + chunk * DEPTH;
    const __m512i order = woven();
    for (int64_t j = 0; j < o->inputs / SIDE; j++) {
        Tile *to = tiles + (j / 2 * (AT_ONCE / DEPTH) + chunk) * 2 + j % 2;
        weave_halves(o->right + first * o->right_row + j * SIDE, o->right_row, o->rows - first, order, to);
    }
}

/* The same of some columns of the first matrix, turned. */
static void lay_left(const Outer *o, int64_t begin, int64_t chunk, int64_t from, int64_t to, Tile *tiles) {
    const int64_t first = begin + chunk * DEPTH;
    const __m512i order = woven();
    Tile pairs;
    for (int64_t i = from / SIDE; i < to / SIDE; i++) {
        weave_halves(o->left + first * o->left_row + i * SIDE, o->left_row, o->rows - first, order, &pairs);
        turn_tile(&pairs, tiles + (i / 2 * (AT_ONCE / DEPTH) + chunk) * 2 + i % 2);
    }
}

/* 32 rows of what comes out grow by so many times 32 rows of both, whose tiles are given, from `begin` on. */
static void outer_rows(const Outer *o, int64_t begin, int64_t chunks, int64_t row, const Tile *left, const Tile *right) {
    for (int64_t k = 0; k < chunks; k += NEAR) {
        const int64_t some = chunks - k < NEAR ? chunks - k : NEAR;
        for (int64_t j = 0; j < o->inputs; j += DEPTH)
            tiles_product(
                (Tiles){left + (row / DEPTH * (AT_ONCE / DEPTH) + k) * 2, 1, 2},
                (Tiles){right + (j / DEPTH * (AT_ONCE / DEPTH) + k) * 2, 1, 2}, DEPTH, DEPTH, some,
                o->out + row * o->out_row + j, o->out_row, o->add || begin || k);
    }
}

/* Linear maps of many tokens: their rows lie in memory as tiles want them, the weights are laid into tiles once for all. */
#define BLOCKS 4 /* of 32 rows, that read the same tiles of weights while those are in the first cache */

/* Weights (O, I) in float32, of a map to O (`back`: of gradients to I) numbers, some of several that lie behind each other: for
 * each 32 of what comes out, `deep` chunks of 32 of what goes in, of which this begins at one. The chunk-th 32 rows. */
static void lay_weights(
    const float *weights, int64_t inputs, int64_t chunk, int64_t begin, int64_t deep, int back, Tile *to) {
    const float *rows = weights + chunk * DEPTH * inputs;
    for (int64_t j = 0; j < inputs; j += DEPTH)
        for (int64_t s = 0; s < 2; s++)
            if (back) weave(rows + j + s * SIDE, inputs, DEPTH, to + (j / DEPTH * deep + begin + chunk) * 2 + s);
            else {
                Tile some;
                lay(rows + s * SIDE * inputs + j, inputs, SIDE, &some);
                turn_tile(&some, to + ((begin + chunk) * deep + j / DEPTH) * 2 + s);
            }
}

/* 32 rows of a product, 32 columns of it: rows in bfloat16 times laid weights, so many tiles deep. */
static void map_block(const uint16_t *in, int64_t in_row, const Tile *right, int64_t deep, uint16_t *out, int64_t out_row) {
    float sums[DEPTH][DEPTH] __attribute__((aligned(64)));
    const Lines left = {(const char *)in, in_row * 2, SIDE * in_row * 2, DEPTH * 2};
    block_product(left, (Tiles){right, 1, 2}, deep, sums[0], DEPTH, 0);
    for (int64_t i = 0; i < DEPTH; i++) _mm512_storeu_si512(out + i * out_row, both(sums[i], sums[i] + SIDE));
}

/* Some rows of what a map makes: (rows, 32 * deep) to (rows, columns). `spare` has room for 32 rows of both. */
static void map_rows(
    const uint16_t *in, int64_t rows, const Tile *right, int64_t deep, int64_t columns, uint16_t *out, uint16_t *spare) {
    const int64_t whole = rows / DEPTH * DEPTH, rest = rows - whole, in_row = deep * DEPTH;
    for (int64_t j = 0; j < columns; j += DEPTH)
        for (int64_t i = 0; i < whole; i += DEPTH)
            map_block(in + i * in_row, in_row, right + j / SIDE * deep, deep, out + i * columns + j, columns);
    if (!rest) return;
    uint16_t *found = spare + DEPTH * in_row;
    memset(spare, 0, DEPTH * in_row * sizeof *spare);
    memcpy(spare, in + whole * in_row, rest * in_row * sizeof *spare);
    for (int64_t j = 0; j < columns; j += DEPTH)
        map_block(spare, in_row, right + j / SIDE * deep, deep, found + j, columns);
    memcpy(out + whole * columns, found, rest * columns * sizeof *out);
}
