"""The compiled training step and the loop over batches: the one file that runs TensorFlow.

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
G, generated showers    moving statistics    -                   nothing
======================  ===================  ==================  ==========================

Random numbers come from counters (seed, epoch, step) and so do not depend on what ran
before: an epoch of a loaded model equals that of one never saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from search_spaces.cells import Cells
from search_spaces.errors import InfeasibleError
from search_spaces.geometry import Geometry
from workers.models.base import Array
from workers.models.gan3d import losses
from workers.models.gan3d.average import MovingAverage
from workers.models.gan3d.batches import Segment
from workers.models.gan3d.convolution import Tensor
from workers.models.gan3d.mesh import Mesh
from workers.models.gan3d.networks import Inputs, Model, latent_vectors
from workers.models.gan3d.parallel import Share, averaged
from workers.models.gan3d.params import ENERGY_UNIT, Params
from workers.models.team import Team

#: The loss terms of each network, in order; those that a configuration does not use are
#: left out. After the generator's comes the deposited energy relative to the real showers'.
D_TERMS = ("real_fake", "primary_energy", "particle")
G_TERMS = ("real_fake", "primary_energy", "particle", "angle", "deposited_energy", "bins")


class Step:
    """Both networks, their optimisers and the compiled loop.

    Attributes:
        names: of the values that :meth:`run` sums.
        average: of the generator's weights, or None.
        team: the workers that share each batch; to be set before the first step.
    """

    def __init__(
        self, params: Params, geometry: Geometry, generator: Model, discriminator: Model, seed: int
    ) -> None:
        self.params = params
        self.geometry = geometry
        self.mesh = Mesh.of(geometry)
        self.generator = generator
        self.discriminator = discriminator
        self.seed = seed
        self.team: Team | None = None
        training = params.training
        self.g_optimizer = keras.optimizers.RMSprop(training.g_learning_rate, rho=training.rho)
        self.d_optimizer = keras.optimizers.RMSprop(training.d_learning_rate, rho=training.rho)
        self.g_optimizer.build(generator.trainable_variables)
        self.d_optimizer.build(discriminator.trainable_variables)
        self.average = MovingAverage(generator, training.average) if training.average else None
        self.d_terms = _used(D_TERMS, params, geometry)
        self.g_terms = _used(G_TERMS, params, geometry)
        # What may change from batch to batch without compiling anything again.
        weights = {name: getattr(params.weights, name) for name in {*D_TERMS, *G_TERMS}}
        self._weights = {k: tf.Variable(v, dtype=tf.float32) for k, v in weights.items()}
        self._label_flip = tf.Variable(training.label_flip, dtype=tf.float32)
        self._key = tf.Variable(self._key_of(seed))
        self.names = (
            *(f"d_{name}" for name in self.d_terms),
            *(f"g_{name}" for name in self.g_terms),
            "energy_ratio",
        )
        self._d_step = tf.function(self._discriminator_step, autograph=False)
        self._g_step = tf.function(self._generator_step, autograph=False)
        self._loop = tf.function(self._run_loop, autograph=False, reduce_retracing=True)
        self._generate = tf.function(self._run_generator, autograph=False)

    def run(self, segment: Segment, epoch: int) -> tuple[Array, int]:
        """Train on the batches of a segment.

        Returns:
            Sums of the values called ``names`` over the steps, and the number of steps after
            which everything was finite; the loop ends at the first that is not.

        Raises:
            InfeasibleError: a step does not fit in memory.
        """
        steps, size = segment.cells.shape[:2]
        c = segment.conditions
        columns = (c.energy / np.float32(ENERGY_UNIT), c.theta, c.particle)
        conditions = Inputs(*(tf.constant(a.reshape(steps, size)) for a in columns))
        share = Share(tf.constant(segment.batch), tf.constant(segment.share.start))
        try:
            sums, done = self._loop(
                tf.constant(segment.cells),
                conditions,
                tf.constant(epoch, tf.int32),
                tf.constant(segment.first, tf.int32),
                share,
                self.params.training.g_steps,
            )
        except tf.errors.ResourceExhaustedError as failure:
            raise InfeasibleError(
                f"a training step with batch_size={segment.batch} does not fit in memory; "
                f"lower it or the filters"
            ) from failure
        return sums.numpy(), int(done)

    def adjust(self, params: Params) -> None:
        """Take other weights, learning rates and steps; another ``g_steps`` is compiled anew.

        Raises:
            InfeasibleError: a loss term comes or goes.
        """
        for names, terms in ((D_TERMS, self.d_terms), (G_TERMS, self.g_terms)):
            if _used(names, params, self.geometry) != terms:
                raise InfeasibleError(
                    "a loss term must keep a weight above 0, or 0, while a model trains; "
                    "give the space a lowest weight above 0"
                )
        training = params.training
        for name, weight in self._weights.items():
            weight.assign(getattr(params.weights, name))
        self._label_flip.assign(training.label_flip)
        self.g_optimizer.learning_rate = training.g_learning_rate
        self.d_optimizer.learning_rate = training.d_learning_rate
        self.params = params

    def reseed(self, seed: int, dropout: Sequence[int]) -> None:
        """Draw as the model of another seed; ``dropout`` are the seeds of its masks."""
        self.seed = seed
        self._key.assign(self._key_of(seed))
        for generator, own in zip(self._masks(), dropout, strict=True):
            generator._initial_seed = own

    @property
    def dropout_seeds(self) -> list[int]:
        """Of the masks of each layer."""
        return [int(generator._initial_seed) for generator in self._masks()]

    def _masks(self) -> list[Any]:
        layers = self.discriminator.layers
        return [x.seed_generator for x in layers if isinstance(x, keras.layers.Dropout)]

    @staticmethod
    def _key_of(seed: int) -> list[int]:
        return [seed & 0x7FFFFFFF, 0x3D6A]

    def reset_dropout(self, epoch: int) -> None:
        """Start the dropout masks of an epoch from its own counter; each worker has its own."""
        rank = self.team.rank if self.team else 0
        for generator in self._masks():
            generator.state.assign([generator._initial_seed ^ rank, epoch << 20])

    def generate(self, noise: Array, conditions: Inputs) -> Array:
        """Showers (n, x, y, z) [GeV] of noise (n, noise_size) and n conditions."""
        cells: Array = self._generate(noise, conditions).numpy()
        return cells

    # -- compiled -------------------------------------------------------------------------

    def _run_generator(self, noise: Tensor, conditions: Inputs) -> Tensor:
        latent = latent_vectors(self.params, noise, conditions)
        if self.average is None:
            image = self.generator(latent, training=False)
        else:
            image = self.average.generate(latent)
        return losses.to_cells(self.params.transform, image, self.mesh)

    def _run_loop(
        self,
        cells: Tensor,
        conditions: Inputs,
        epoch: Tensor,
        first: Tensor,
        share: Share,
        g_steps: int,
    ) -> tuple[Tensor, Tensor]:
        """Sums (terms,) over the steps, and the number of steps that stayed finite."""
        steps = tf.shape(cells)[0]

        def body(step: Tensor, sums: Tensor, _: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            batch = Inputs(*(column[step] for column in conditions))
            counter = tf.stack([epoch, first + step])
            values = self._step(cells[step], batch, counter, share, g_steps)
            finite = tf.reduce_all(tf.math.is_finite(values))
            return step + 1, sums + values, finite

        def condition(step: Tensor, _: Tensor, finite: Tensor) -> Tensor:
            return tf.logical_and(step < steps, finite)

        start = (tf.constant(0), tf.zeros([len(self.names)]), tf.constant(True))
        done, sums, finite = tf.while_loop(condition, body, start)
        weights_finite = tf.reduce_all(
            [tf.reduce_all(tf.math.is_finite(w.value)) for w in self.generator.weights]
        )
        return sums, tf.where(tf.logical_and(finite, weights_finite), done, done - 1)

    def _step(
        self, cells: Tensor, conditions: Inputs, counter: Tensor, share: Share, g_steps: int
    ) -> Tensor:
        p, n = self.params, tf.shape(cells)[0]
        real = losses.to_image(p.transform, cells, self.geometry.threshold, self.mesh)
        key = tf.random.experimental.stateless_fold_in(self._key, counter[0])
        key = tf.random.experimental.stateless_fold_in(key, counter[1])
        noise = tf.random.stateless_normal([g_steps + 1, share.batch, p.noise_size], key)
        flips = tf.random.stateless_uniform([2, share.batch], key + 1) < self._label_flip
        noise, flips = share.of(noise, n), share.of(tf.cast(flips, tf.float32), n)
        weight = tf.cast(n, tf.float32) / tf.cast(share.batch, tf.float32)
        fakes = self.generator(latent_vectors(p, noise[0], conditions), training=False)
        d_real = self._d_step(real, 1.0 - flips[0], conditions, weight)
        d_fake = self._d_step(fakes, flips[1], conditions, weight)
        truth = self._truth(cells, conditions)
        g = [
            self._g_step(latent_vectors(p, noise[1 + i], conditions), truth, weight)
            for i in range(g_steps)
        ]
        if self.average is not None:
            self.average.update(self.g_optimizer.iterations)
        return tf.concat([0.5 * (d_real + d_fake), tf.add_n(g) / g_steps], axis=0)

    def _truth(self, cells: Tensor, conditions: Inputs) -> dict[str, Tensor]:
        """What the paired real showers say about each term."""
        kept = tf.where(cells < self.geometry.threshold, 0.0, cells)
        truth = {
            "real_fake": tf.ones_like(conditions.energy),
            "primary_energy": conditions.energy,
            "particle": conditions.particle,
            "deposited_energy": losses.deposited_energy(kept),
        }
        if "angle" in self.g_terms:
            truth["angle"] = losses.measured_angle(kept, self.geometry.pitch)
        if "bins" in self.g_terms:
            truth["bins"] = losses.energy_in_bins(kept)
        return truth

    def _discriminator_step(
        self, image: Tensor, label: Tensor, conditions: Inputs, weight: Tensor = 1.0
    ) -> Tensor:
        """One update of the discriminator; the terms in use."""
        variables = self.discriminator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in variables])
            heads = self.discriminator(image, training=True)
            terms = _head_terms(heads, label, conditions.energy, conditions.particle)
            loss = self._weighted(terms)
        gradients = tape.gradient(loss, [v.value for v in variables])
        values = tf.stack([terms[name] for name in self.d_terms])
        gradients, values = averaged(self.team, self.discriminator, gradients, values, weight)
        self.d_optimizer.apply(gradients, variables)
        return values

    def _generator_step(
        self, latent: Tensor, truth: Mapping[str, Tensor], weight: Tensor = 1.0
    ) -> Tensor:
        """One update of the generator; the terms in use, then the mean energy ratio."""
        variables = self.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in variables])
            image = self.generator(latent, training=True)
            terms, deposited = self._generator_terms(image, truth)
            loss = self._weighted(terms)
        gradients = tape.gradient(loss, [v.value for v in variables])
        ratio = tf.reduce_sum(deposited) / tf.reduce_sum(truth["deposited_energy"])
        values = tf.stack([*terms.values(), ratio])
        gradients, values = averaged(self.team, self.generator, gradients, values, weight)
        self.g_optimizer.apply(gradients, variables)
        return values

    def _weighted(self, terms: Mapping[str, Tensor]) -> Tensor:
        return tf.add_n([self._weights[name] * term for name, term in terms.items()])

    def _generator_terms(
        self, image: Tensor, truth: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], Tensor]:
        heads = _head_terms(
            self._frozen_discriminator(image),
            truth["real_fake"],
            truth["primary_energy"],
            truth["particle"],
        )
        cells = losses.to_cells(self.params.transform, image, self.mesh)
        deposited = losses.deposited_energy(cells)
        observed = {
            "angle": lambda t: losses.angle_error(
                t, losses.measured_angle(cells, self.geometry.pitch)
            ),
            "deposited_energy": lambda t: losses.mape(t, deposited),
            "bins": lambda t: losses.bins_error(t, losses.energy_in_bins(cells)),
        }
        terms = {
            name: heads[name] if name in heads else observed[name](truth[name])
            for name in self.g_terms
        }
        return terms, deposited

    def _frozen_discriminator(self, image: Tensor) -> Any:
        """The discriminator on batch statistics, its moving statistics left alone."""
        d = self.discriminator
        state = d.non_trainable_variables
        heads, after = d.stateless_call(d.trainable_variables, state, image, training=True)
        for variable, value in zip(state, after, strict=True):
            if "int" in variable.dtype:  # the counters of the dropout masks do move on
                variable.assign(value)
        return heads


def _used(names: tuple[str, ...], params: Params, geometry: Geometry) -> tuple[str, ...]:
    """The terms that a configuration uses; the angle is measured in straight cells only."""
    unused = {name for name in names if getattr(params.weights, name) == 0}
    if not params.angle or not isinstance(geometry.cells, Cells):
        unused.add("angle")
    if params.particles == 1:
        unused.add("particle")
    return tuple(name for name in names if name not in unused)


def _head_terms(heads: Any, label: Tensor, energy: Tensor, particle: Tensor) -> dict[str, Tensor]:
    """The losses of the discriminator's heads."""
    logit, primary, *types = heads
    terms = {
        "real_fake": losses.real_fake(label, logit[:, 0]),
        "primary_energy": losses.mape(energy, primary[:, 0]),
    }
    if types:
        terms["particle"] = losses.cross_entropy(particle, types[0])
    return terms
