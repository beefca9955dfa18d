//! A checkpoint's tensors in memory, and `model.safetensors` on disk (half precision).

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};

use super::bundle::LlamaConfig;
use crate::error::{Failure, FailureKind};

/// Tensors by name, single precision, row-major.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weights {
    /// Name → shape and elements.
    pub tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Weights {
    /// Adds or replaces a tensor.
    pub fn insert(&mut self, name: impl Into<String>, shape: Vec<usize>, data: Vec<f32>) {
        self.tensors.insert(name.into(), (shape, data));
    }

    /// Rounds every element to half precision, as writing and reading back does.
    pub fn round(&mut self) {
        for (_, data) in self.tensors.values_mut() {
            data.iter_mut().for_each(|x| *x = f16::from_f32(*x).to_f32());
        }
    }

    /// Reads a safetensors file of F32, F16 or BF16 tensors.
    pub fn read(file: &Path) -> Result<Weights> {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let name = file.display();
        let all = SafeTensors::deserialize(&bytes).map_err(|e| {
            Failure::new(FailureKind::Corrupt, format!("`{name}` is not a safetensors file: {e}"))
        })?;
        let mut weights = Weights::default();
        for (tensor, view) in all.iter() {
            let raw = view.data();
            let data: Vec<f32> = match view.dtype() {
                Dtype::F32 => raw.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
                Dtype::F16 => {
                    raw.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect()
                }
                Dtype::BF16 => {
                    raw.as_chunks::<2>().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect()
                }
                other => {
                    let message = format!("`{name}`: tensor `{tensor}` has elements of type {other:?}");
                    return Err(Failure::new(FailureKind::Corrupt, message)
                        .hint("convert the checkpoint to F16, BF16 or F32")
                        .into());
                }
            };
            weights.insert(tensor, view.shape().to_vec(), data);
        }
        Ok(weights)
    }

    /// The bytes of a half-precision safetensors file; equal tensors give equal bytes.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        let halves: Vec<(&String, &Vec<usize>, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, (shape, data))| {
                let bytes = data.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect();
                (name, shape, bytes)
            })
            .collect();
        let views: Vec<(&String, TensorView<'_>)> = halves
            .iter()
            .map(|(name, shape, bytes)| {
                let view = TensorView::new(Dtype::F16, shape.to_vec(), bytes);
                view.map(|v| (*name, v)).with_context(|| format!("tensor `{name}`"))
            })
            .collect::<Result<_>>()?;
        // `transformers` refuses a checkpoint whose header does not name its framework's format.
        let metadata = [("format".to_owned(), "pt".to_owned())].into();
        safetensors::serialize(views, Some(metadata)).context("writing safetensors")
    }

    /// Checks names, shapes and that every element is a finite half-precision number.
    pub fn check(&self, config: &LlamaConfig) -> Result<()> {
        let shapes = self.tensors.iter().map(|(n, (shape, _))| (n.clone(), shape.clone())).collect();
        check_shapes(config, &shapes)?;
        for (name, (_, data)) in &self.tensors {
            if let Some(x) = data.iter().find(|x| !f16::from_f32(**x).is_finite()) {
                let message = format!("tensor `{name}` holds {x}, which half precision cannot");
                return Err(Failure::new(FailureKind::Corrupt, message).into());
            }
        }
        Ok(())
    }
}

/// Where each tensor stands in a safetensors file: the absolute byte range, the shape and element type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Offset from the beginning of the file, in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: Dtype,
}

/// Where the tensors stand in the bytes of a whole safetensors file.
pub fn places(file: &[u8]) -> Result<BTreeMap<String, Place>> {
    let (header, metadata): (usize, Metadata) = SafeTensors::read_metadata(file).map_err(|e| {
        Failure::new(FailureKind::Corrupt, format!("`model.safetensors` is not a safetensors file: {e}"))
    })?;
    let base = 8 + header as u64;
    let tensors = metadata.tensors();
    Ok(tensors
        .into_iter()
        .map(|(name, info)| {
            let (begin, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
            let place = Place {
                offset: base + begin,
                length: end - begin,
                shape: info.shape.clone(),
                dtype: info.dtype,
            };
            (name, place)
        })
        .collect())
}

/// Compares the shapes of a checkpoint with those that the configuration asks for, naming the tensor that
/// is missing, has another shape or is not known.
pub fn check_shapes(config: &LlamaConfig, shapes: &BTreeMap<String, Vec<usize>>) -> Result<()> {
    let wrong = |message: String| {
        Failure::new(FailureKind::Corrupt, message)
            .hint("`config.json` and `model.safetensors` must come from the same checkpoint")
    };
    let expected = config.tensors();
    for (name, shape) in &expected {
        match shapes.get(name) {
            None => return Err(wrong(format!("`model.safetensors` has no tensor `{name}`")).into()),
            Some(found) if found != shape => {
                let message =
                    format!("tensor `{name}` has the shape {found:?}, `config.json` asks for {shape:?}");
                return Err(wrong(message).into());
            }
            Some(_) => {}
        }
    }
    // A tied checkpoint may carry the projection as well; it is the embedding once more.
    let tied = |name: &str| config.tie_word_embeddings && name == "lm_head.weight";
    match shapes.keys().find(|name| !tied(name) && !expected.iter().any(|(e, _)| e == *name)) {
        Some(name) => Err(wrong(format!("tensor `{name}` is none of this architecture's")).into()),
        None => Ok(()),
    }
}
