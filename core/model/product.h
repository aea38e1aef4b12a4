/* Products of small matrices, as large as fit into the second cache. training.c includes this once for each kind of
 * processor, with the length of its vectors, and how many rows and vectors of a product fit into its registers. */
#define numbers NAMED(numbers)
#define tile NAMED(tile)
#define columns_of NAMED(columns_of)
#define product NAMED(product)

typedef int32_t numbers __attribute__((vector_size(4 * LANES), aligned(4)));

/* Some rows and vectors of a product: how many is known where this is inlined, so the sums are in registers. */
INLINE void tile(
    int rows, int vectors, int64_t depth, const float *a, int64_t row, int64_t step, const float *b, int64_t b_row,
    float *c, int64_t c_row, int add) {
    lanes sum[ROWS * VECTORS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
        for (int v = 0; v < vectors; v++)
            sum[i * vectors + v] = add ? *(const lanes *)(c + i * c_row + v * LANES) : (lanes){0};
#pragma GCC unroll 4
    for (int64_t k = 0; k < depth; k++) {
        lanes some[VECTORS];
#pragma GCC unroll 16
        for (int v = 0; v < vectors; v++) some[v] = *(const lanes *)(b + k * b_row + v * LANES);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
            for (int v = 0; v < vectors; v++) sum[i * vectors + v] += a[i * row + k * step] * some[v];
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
        for (int v = 0; v < vectors; v++) *(lanes *)(c + i * c_row + v * LANES) = sum[i * vectors + v];
}

INLINE void columns_of(
    int64_t rows, int vectors, int64_t depth, const float *a, int64_t row, int64_t step, const float *b, int64_t b_row,
    float *c, int64_t c_row, int add) {
    int64_t i = 0;
    const int high = ROWS * VECTORS / vectors; /* as many sums as in a whole tile: with fewer, a sum waits for the one before */
    for (; row == 1 && high > ROWS && i + high <= rows; i += high)
        tile(high, vectors, depth, a + i * row, row, step, b, b_row, c + i * c_row, c_row, add);
    for (; i + ROWS <= rows; i += ROWS)
        tile(ROWS, vectors, depth, a + i * row, row, step, b, b_row, c + i * c_row, c_row, add);
    for (; i + 2 <= rows; i += 2)
        tile(2, vectors, depth, a + i * row, row, step, b, b_row, c + i * c_row, c_row, add);
    for (; i < rows; i++) tile(1, vectors, depth, a + i * row, row, step, b, b_row, c + i * c_row, c_row, add);
}

/* c (rows, columns) becomes, or grows by, a (rows, depth) times b (depth, columns): columns are whole vectors. Of a an
 * element is at i * row + k * step. */
static void product(
    int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t row, int64_t step, const float *b,
    int64_t b_row, float *c, int64_t c_row, int add) {
    int64_t j = 0;
    for (; j + VECTORS * LANES <= columns; j += VECTORS * LANES)
        columns_of(rows, VECTORS, depth, a, row, step, b + j, b_row, c + j, c_row, add);
    for (; j + VECTORS / 2 * LANES <= columns; j += VECTORS / 2 * LANES)
        columns_of(rows, VECTORS / 2, depth, a, row, step, b + j, b_row, c + j, c_row, add);
    for (; j < columns; j += LANES) columns_of(rows, 1, depth, a, row, step, b + j, b_row, c + j, c_row, add);
}
