"""The compiled training loop, one ``tf.function`` per epoch.

One batch, as published: fakes; a discriminator step on the real showers and one on the
fakes; ``g_steps`` generator steps, each with fresh noise. Conditions come from the
real batch in every version (the fixed-angle code drew energies on their own, and
compared with a fit of the response of its own detector).

======================  ===================  ==================  ==========================
network called          batch normalisation  dropout             updated
======================  ===================  ==================  ==========================
G, fakes for D          moving statistics    -                   nothing
D, real or fakes        batch statistics     on, fresh mask      D's weights and statistics
G, generator step       batch statistics     -                   G's weights and statistics
D, generator step       batch statistics     on, fresh mask      nothing
G, :meth:`generate`     moving statistics    -                   nothing
======================  ===================  ==================  ==========================

Random numbers come from counters (seed, epoch, step) and so do not depend on what ran
before: an epoch of a loaded model equals that of one never saved.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from objectives.showers import Showers
from search_spaces.errors import DivergedError, InfeasibleError
from search_spaces.geometry import Geometry
from workers.models.base import Array
from workers.models.gan3d import losses
from workers.models.gan3d.convolution import Tensor
from workers.models.gan3d.networks import Model, latent_vectors
from workers.models.gan3d.params import ENERGY_UNIT, Params

#: Order of the loss values that the compiled epoch returns; last the deposited energies
#: of the fakes relative to the real showers'.
D_TERMS = ("real_fake", "primary_energy")
G_TERMS = ("real_fake", "primary_energy", "angle", "deposited_energy", "bins")
#: Below this share of the real deposited energy, all energy is lost.
LOST = 1e-4


class Trainer:
    """Both networks, their optimisers and the compiled epoch."""

    def __init__(
        self, params: Params, geometry: Geometry, generator: Model, discriminator: Model, seed: int
    ) -> None:
        self.params = params
        self.geometry = geometry
        self.generator = generator
        self.discriminator = discriminator
        self.seed = seed
        training = params.training
        self.g_optimizer = keras.optimizers.RMSprop(training.g_learning_rate, rho=training.rho)
        self.d_optimizer = keras.optimizers.RMSprop(training.d_learning_rate, rho=training.rho)
        self.g_optimizer.build(generator.trainable_variables)
        self.d_optimizer.build(discriminator.trainable_variables)
        self.g_terms = self._g_terms()
        self._d_step = tf.function(self._discriminator_step, autograph=False)
        self._g_step = tf.function(self._generator_step, autograph=False)
        self._generate = tf.function(self._run_generator, autograph=False)
        self._epoch = tf.function(self._run_epoch, autograph=False)
        self._data: tuple[Showers, tuple[Tensor, ...]] | None = None

    def _g_terms(self) -> tuple[str, ...]:
        """The generator's loss terms in use."""
        w = self.params.weights
        unused = {name for name in G_TERMS if getattr(w, name) == 0}
        if not self.params.angle:
            unused.add("angle")
        return tuple(name for name in G_TERMS if name not in unused)

    # -- one epoch ------------------------------------------------------------------------

    def train_epoch(self, showers: Showers, epoch: int) -> Mapping[str, float]:
        """Mean losses by name over one pass in an order fixed by (seed, epoch)."""
        batch = min(self.params.training.batch_size, len(showers))
        steps = len(showers) // batch
        order = np.random.default_rng([self.seed, epoch]).permutation(len(showers))
        order = order[: steps * batch].reshape(steps, batch).astype(np.int32)
        self._reset_dropout(epoch)
        try:
            values, done = self._epoch(*self._tensors(showers), order, np.int32(epoch))
        except tf.errors.ResourceExhaustedError as failure:
            raise InfeasibleError(
                f"a training step with batch_size={batch} does not fit in memory; "
                f"lower it or the filters"
            ) from failure
        names = [f"d_{n}" for n in D_TERMS] + [f"g_{n}" for n in self.g_terms] + ["energy_ratio"]
        named = dict(zip(names, map(float, values.numpy()), strict=True))
        self._check(named, int(done), steps, epoch)
        return named

    def _tensors(self, showers: Showers) -> tuple[Tensor, ...]:
        if self._data is None or self._data[0] is not showers:
            arrays = (showers.cells, showers.energy, showers.theta)
            self._data = (showers, tuple(tf.constant(a, tf.float32) for a in arrays))
        return self._data[1]

    def _reset_dropout(self, epoch: int) -> None:
        """Start the dropout masks of an epoch from its own counter."""
        for layer in self.discriminator.layers:
            if isinstance(layer, keras.layers.Dropout):
                generator = layer.seed_generator
                generator.state.assign([generator._initial_seed, epoch << 20])

    def _check(self, named: Mapping[str, float], done: int, steps: int, epoch: int) -> None:
        bad = [name for name, value in named.items() if not np.isfinite(value)]
        if done < steps or bad:
            raise DivergedError(
                f"losses and weights must stay finite, got a value that is not at step {done} of "
                f"{steps} of epoch {epoch}; lower the learning rates"
            )
        if named["energy_ratio"] < LOST:
            raise DivergedError(
                f"the generator lost all energy in epoch {epoch} (deposits "
                f"{named['energy_ratio']:.1e} of the real showers); lower the learning rates"
            )

    # -- generation and files -------------------------------------------------------------

    def generate(self, noise: Tensor, energy: Tensor, theta: Tensor) -> Array:
        """Showers (n, x, y, z) [GeV] of noise (n, noise_size), Ep / 100 GeV and theta (n,)."""
        cells: Array = self._generate(noise, energy, theta).numpy()
        return cells

    def _run_generator(self, noise: Tensor, energy: Tensor, theta: Tensor) -> Tensor:
        latent = latent_vectors(self.params, noise, energy, theta)
        return losses.to_cells(self.params.transform, self.generator(latent, training=False))

    def save(self, folder: Path) -> None:
        """Write the weights of both networks and the state of both optimisers."""
        for network in (self.generator, self.discriminator):
            with warnings.catch_warnings():
                # Keras reads its variables by a NumPy 1 protocol.
                warnings.simplefilter("ignore", DeprecationWarning)
                network.save_weights(folder / f"{network.name}.weights.h5")
        np.savez(folder / "optimizers.npz", *(v.numpy() for v in self._optimizer_state()))

    def restore(self, folder: Path) -> None:
        """Read what :meth:`save` wrote: training goes on as if it had not stopped.

        Raises:
            OSError, KeyError, ValueError, UserWarning: files missing or not of these networks.
        """
        for network in (self.generator, self.discriminator):
            with warnings.catch_warnings():
                # Keras keeps fresh weights where the file lacks some, and only warns.
                warnings.simplefilter("error", UserWarning)
                network.load_weights(folder / f"{network.name}.weights.h5")
        with np.load(folder / "optimizers.npz") as arrays:
            for i, variable in enumerate(self._optimizer_state()):
                variable.assign(arrays[f"arr_{i}"])

    def _optimizer_state(self) -> list[Any]:
        return [*self.g_optimizer.variables, *self.d_optimizer.variables]

    # -- compiled -------------------------------------------------------------------------

    def _run_epoch(
        self, cells: Tensor, energy: Tensor, theta: Tensor, order: Tensor, epoch: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean losses (terms,) over the steps, and the number of steps that stayed finite."""
        steps = tf.shape(order)[0]
        width = len(D_TERMS) + len(self.g_terms) + 1

        def body(step: Tensor, sums: Tensor, _: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            index = order[step]
            x, e, t = (tf.gather(a, index) for a in (cells, energy, theta))
            values = self._step(x, e, t, tf.stack([epoch, step]))
            finite = tf.reduce_all(tf.math.is_finite(values))
            return step + 1, sums + values, finite

        def condition(step: Tensor, _: Tensor, finite: Tensor) -> Tensor:
            return tf.logical_and(step < steps, finite)

        start = (tf.constant(0), tf.zeros([width]), tf.constant(True))
        done, sums, finite = tf.while_loop(condition, body, start)
        weights_finite = tf.reduce_all(
            [tf.reduce_all(tf.math.is_finite(w.value)) for w in self.generator.weights]
        )
        done = tf.where(tf.logical_and(finite, weights_finite), done, done - 1)
        return sums / tf.cast(steps, tf.float32), done

    def _step(self, cells: Tensor, energy: Tensor, theta: Tensor, counter: Tensor) -> Tensor:
        p = self.params
        n, g_steps = tf.shape(energy)[0], p.training.g_steps
        energy = energy / ENERGY_UNIT
        real = losses.to_image(p.transform, cells, self.geometry.threshold)
        key = tf.random.experimental.stateless_fold_in(
            tf.constant([self.seed & 0x7FFFFFFF, 0x3D6A]), counter[0]
        )
        key = tf.random.experimental.stateless_fold_in(key, counter[1])
        noise = tf.random.stateless_normal([g_steps + 1, n, p.noise_size], key)
        flips = tf.random.stateless_uniform([2, n], key + 1) < p.training.label_flip
        flips = tf.cast(flips, tf.float32)
        fakes = self.generator(latent_vectors(p, noise[0], energy, theta), training=False)
        d_real = self._d_step(real, 1.0 - flips[0], energy)
        d_fake = self._d_step(fakes, flips[1], energy)
        truth = self._truth(cells, energy)
        g = [
            self._g_step(latent_vectors(p, noise[1 + i], energy, theta), truth)
            for i in range(g_steps)
        ]
        return tf.concat([0.5 * (d_real + d_fake), tf.add_n(g) / g_steps], axis=0)

    def _truth(self, cells: Tensor, energy: Tensor) -> dict[str, Tensor]:
        """What the paired real showers say about each term."""
        kept = tf.where(cells < self.geometry.threshold, 0.0, cells)
        truth = {
            "real_fake": tf.ones_like(energy),
            "primary_energy": energy,
            "deposited_energy": losses.deposited_energy(kept),
        }
        if "angle" in self.g_terms:
            truth["angle"] = losses.measured_angle(kept, self.geometry.cells.pitch)
        if "bins" in self.g_terms:
            truth["bins"] = losses.energy_in_bins(kept)
        return truth

    def _discriminator_step(self, image: Tensor, label: Tensor, energy: Tensor) -> Tensor:
        """One update of the discriminator; the terms (2,)."""
        w = self.params.weights
        variables = self.discriminator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in variables])
            logit, primary = self.discriminator(image, training=True)
            terms = [
                losses.real_fake(label, logit[:, 0]),
                losses.mape(energy, primary[:, 0]),
            ]
            loss = w.real_fake * terms[0] + w.primary_energy * terms[1]
        gradients = tape.gradient(loss, [v.value for v in variables])
        self.d_optimizer.apply(gradients, variables)
        return tf.stack(terms)

    def _generator_step(self, latent: Tensor, truth: Mapping[str, Tensor]) -> Tensor:
        """One update of the generator; the terms in use, then the mean energy ratio."""
        variables = self.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in variables])
            image = self.generator(latent, training=True)
            terms, deposited = self._generator_terms(image, truth)
            weights = self.params.weights
            loss = tf.add_n([getattr(weights, name) * t for name, t in terms.items()])
        gradients = tape.gradient(loss, [v.value for v in variables])
        self.g_optimizer.apply(gradients, variables)
        ratio = tf.reduce_sum(deposited) / tf.reduce_sum(truth["deposited_energy"])
        return tf.stack([*terms.values(), ratio])

    def _generator_terms(
        self, image: Tensor, truth: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], Tensor]:
        logit, primary = self._frozen_discriminator(image)
        cells = losses.to_cells(self.params.transform, image)
        deposited = losses.deposited_energy(cells)
        terms = {
            "real_fake": lambda t: losses.real_fake(t, logit[:, 0]),
            "primary_energy": lambda t: losses.mape(t, primary[:, 0]),
            "angle": lambda t: losses.angle_error(
                t, losses.measured_angle(cells, self.geometry.cells.pitch)
            ),
            "deposited_energy": lambda t: losses.mape(t, deposited),
            "bins": lambda t: losses.bins_error(t, losses.energy_in_bins(cells)),
        }
        return {name: terms[name](truth[name]) for name in self.g_terms}, deposited

    def _frozen_discriminator(self, image: Tensor) -> Any:
        """The discriminator on batch statistics, its moving statistics left alone."""
        d = self.discriminator
        state = d.non_trainable_variables
        heads, after = d.stateless_call(d.trainable_variables, state, image, training=True)
        for variable, value in zip(state, after, strict=True):
            if "int" in variable.dtype:  # the counters of the dropout masks do move on
                variable.assign(value)
        return heads
