//! The operations of a decoder on slices, each with its gradient. Pure; a matrix of `n` rows is a slice row by row.

use std::ops::Range;

/// A matrix inside a slice.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// A slice that holds rows of this many columns.
    pub fn new(data: &'a [f32], columns: usize) -> View<'a> {
        View { data, rows: data.len() / columns.max(1), columns, row_stride: columns, column_stride: 1 }
    }

    /// The transposed matrix.
    pub fn t(self) -> View<'a> {
        View {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Some rows and columns of it.
    pub fn part(self, rows: Range<usize>, columns: Range<usize>) -> View<'a> {
        assert!(rows.end <= self.rows && columns.end <= self.columns);
        let from = rows.start * self.row_stride + columns.start * self.column_stride;
        View {
            data: &self.data[from.min(self.data.len())..],
            rows: rows.len(),
            columns: columns.len(),
            ..self
        }
    }

    fn fits(&self) -> bool {
        self.rows == 0
            || self.columns == 0
            || (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride < self.data.len()
    }
}

/// A part of a matrix that is written.
pub struct Target<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> Target<'a> {
    /// A slice that holds rows of this many columns.
    pub fn new(data: &'a mut [f32], columns: usize) -> Target<'a> {
        Target { rows: data.len() / columns.max(1), columns, row_stride: columns, data }
    }

    /// Some rows and columns of a slice that holds rows of `width` columns.
    pub fn part(data: &'a mut [f32], width: usize, rows: Range<usize>, columns: Range<usize>) -> Target<'a> {
        let (n, m) = (rows.len(), columns.len());
        let from = rows.start * width + columns.start;
        Target { data: &mut data[from..], rows: n, columns: m, row_stride: width }
    }
}

/// `target = scale · a · b`, or the product added to it.
pub fn product(target: Target<'_>, a: View<'_>, b: View<'_>, scale: f32, add: bool) {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    assert_eq!((target.rows, target.columns, b.rows), (m, n, k), "shapes of a product");
    if m == 0 || n == 0 {
        return;
    }
    assert!(a.fits() && b.fits() && (m - 1) * target.row_stride + n <= target.data.len());
    let stride = |s: usize| s as isize;
    // SAFETY: the lines above say that all places of the three matrices lie inside their slices, and `target` is
    // borrowed alone.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            target.data.as_mut_ptr(),
            1,
            stride(target.row_stride),
            add,
            a.data.as_ptr(),
            stride(a.column_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.column_stride),
            stride(b.row_stride),
            1.0f32,
            scale,
            false,
            false,
            false,
            // A shard is one thread's; see `learn`.
            gemm::Parallelism::None,
        );
    }
}

/// `x / √(mean(x²) + ε) · weight` of each row, and the factor `1 / √(mean(x²) + ε)` of each.
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32) -> (Vec<f32>, Vec<f32>) {
    let mut y = Vec::with_capacity(x.len());
    let mut factors = Vec::with_capacity(x.len() / weight.len());
    for row in x.chunks_exact(weight.len()) {
        let squares: f32 = row.iter().map(|v| v * v).sum();
        let r = (squares / weight.len() as f32 + eps).sqrt().recip();
        y.extend(row.iter().zip(weight).map(|(v, w)| v * r * w));
        factors.push(r);
    }
    (y, factors)
}

/// Adds the gradient of [`rms_norm`] to `dx` and `dweight`.
pub fn rms_norm_back(x: &[f32], w: &[f32], factors: &[f32], dy: &[f32], dx: &mut [f32], dw: &mut [f32]) {
    let n = w.len();
    let rows = x.chunks_exact(n).zip(dy.chunks_exact(n)).zip(dx.chunks_exact_mut(n));
    for (((x, dy), dx), &r) in rows.zip(factors) {
        let mut dot = 0.0;
        for (((x, dy), w), dw) in x.iter().zip(dy).zip(w).zip(dw.iter_mut()) {
            dot += x * dy * w;
            *dw += dy * x * r;
        }
        let back = r * r * r * dot / n as f32;
        for (((x, dy), w), dx) in x.iter().zip(dy).zip(w).zip(dx) {
            *dx += dy * w * r - x * back;
        }
    }
}

/// Cosine and sine of each position's angles, `[positions, head_dim / 2]` each.
pub struct Rotary {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotary {
    /// For positions below `positions`.
    pub fn new(theta: f64, head_dim: usize, positions: usize) -> Rotary {
        let half = head_dim / 2;
        let angles: Vec<f64> = (0..positions * half)
            .map(|i| (i / half) as f64 * theta.powf(-2.0 * (i % half) as f64 / head_dim as f64))
            .collect();
        Rotary {
            half,
            cos: angles.iter().map(|a| a.cos() as f32).collect(),
            sin: angles.iter().map(|a| a.sin() as f32).collect(),
        }
    }

    /// Turns every head of a row at its position; `sign` −1 turns back, which is also the gradient.
    pub fn turn(&self, row: &mut [f32], position: usize, sign: f32) {
        let at = position * self.half..(position + 1) * self.half;
        let (cos, sin) = (&self.cos[at.clone()], &self.sin[at]);
        for head in row.chunks_exact_mut(2 * self.half) {
            let (a, b) = head.split_at_mut(self.half);
            for (((a, b), c), s) in a.iter_mut().zip(b).zip(cos).zip(sin) {
                (*a, *b) = (*a * c - *b * s * sign, *b * c + *a * s * sign);
            }
        }
    }
}

/// Softmax of each row of a square matrix over the places up to its own; 0 behind it.
pub fn causal_softmax(scores: &mut [f32], width: usize) {
    for (i, row) in scores.chunks_exact_mut(width).enumerate() {
        let (seen, unseen) = row.split_at_mut(i + 1);
        unseen.fill(0.0);
        let most = seen.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for v in seen.iter_mut() {
            *v = (*v - most).exp();
            sum += *v;
        }
        let share = 1.0 / sum;
        seen.iter_mut().for_each(|v| *v *= share);
    }
}

/// Turns the gradient of [`causal_softmax`]'s result into that of the scores.
pub fn causal_softmax_back(probabilities: &[f32], slopes: &mut [f32], width: usize) {
    for (p, d) in probabilities.chunks_exact(width).zip(slopes.chunks_exact_mut(width)) {
        let dot: f32 = p.iter().zip(d.iter()).map(|(p, d)| p * d).sum();
        for (p, d) in p.iter().zip(d) {
            *d = p * (*d - dot);
        }
    }
}

/// `silu(gate) · up`.
pub fn gated(gate: &[f32], up: &[f32]) -> Vec<f32> {
    gate.iter().zip(up).map(|(g, u)| g * sigmoid(*g) * u).collect()
}

/// The gradient of [`gated`], in place: `slopes` becomes the gate's, `up` its own, `gate` what [`gated`] gave.
pub fn gated_back(gate: &mut [f32], up: &mut [f32], slopes: &mut [f32]) {
    for ((g, u), d) in gate.iter_mut().zip(up).zip(slopes) {
        let s = sigmoid(*g);
        let silu = *g * s;
        let (dg, du) = (*d * *u * (s + silu * (1.0 - s)), *d * silu);
        (*g, *u, *d) = (silu * *u, du, dg);
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Natural logarithm of the sum of the exponentials.
pub fn log_sum_exp(row: &[f32]) -> f32 {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    most + row.iter().map(|v| (v - most).exp()).sum::<f32>().ln()
}
