// SPDX-License-Identifier: GPL-2.0
/*
 * What the two fast ESP paths share: which SAs they serve, and the memory for the calls
 * of the transform. One request for each CPU is enough, since packets are encrypted with
 * bottom halves off, one after the other.
 */
#include <crypto/internal/geniv.h>
#include <linux/fips.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <linux/wait_bit.h>

#include "esp.h"
#include "netns.h"

DEFINE_PER_CPU(struct bowtie_esp_job *, bowtie_esp_jobs);

/**
 * bowtie_esp_serves() - may the fast path serve this SA?
 * @x: valid ESP state in tunnel mode
 *
 * What it does not do is left to xfrm: a NIC's crypto, TCP encapsulation, marks, TFC
 * padding, security labels, and whatever newer kernels add.
 * Context: any.
 */
bool bowtie_esp_serves(const struct xfrm_state *x)
{
	struct crypto_aead *aead = x->data;

	if (!aead || x->xso.dev || x->tfcpad || x->mark.m || x->props.smark.m ||
	    x->security || x->coaddr || bowtie_state_is_special(x))
		return false;
	if (x->encap && x->encap->encap_type != UDP_ENCAP_ESPINUDP)
		return false;
	return crypto_aead_ivsize(aead) <= BOWTIE_ESP_IV_MAX &&
	       crypto_aead_blocksize(aead) <= BOWTIE_ESP_BLOCK_MAX &&
	       crypto_aead_alignmask(aead) < BOWTIE_ESP_ALIGN;
}

/*
 * Counter modes have their initialisation vectors made by the seqiv template: the sequence
 * number, with a salt. That is two words to write, for which the template makes another
 * request and three walks over the packet. Its child, the same cipher with the same key, can
 * be called at once. (With FIPS 140 it is the crypto module that has to make them.) Only the
 * template's driver name begins like this; a wrapper's begins with its own.
 */
static void unfold_seqiv(struct bowtie_esp *esp)
{
	const struct aead_geniv_ctx *ctx = crypto_aead_ctx(esp->aead);
	const char *driver = crypto_aead_alg(esp->aead)->base.cra_driver_name;

	if (fips_enabled || strncmp(driver, "seqiv(", 6) || esp->ivlen != sizeof(esp->salt))
		return;
	esp->counts = true;
	esp->salt = get_unaligned((const u64 *)ctx->salt);
	esp->aead = ctx->child;
}

/**
 * bowtie_esp_setup() - what the fast path needs to know of an SA
 * @esp: result
 * @x: state that bowtie_esp_serves() has admitted
 *
 * Context: any.
 */
void bowtie_esp_setup(struct bowtie_esp *esp, const struct xfrm_state *x)
{
	struct crypto_aead *aead = x->data;

	*esp = (struct bowtie_esp){
		.aead = aead,
		.ivlen = crypto_aead_ivsize(aead),
		.alen = crypto_aead_authsize(aead),
		.block = ALIGN(crypto_aead_blocksize(aead), 4),
		.esn = x->props.flags & XFRM_STATE_ESN,
		.ident = get_random_u32(),
	};
	unfold_seqiv(esp);
}

/**
 * bowtie_esp_job_grow() - a job for this CPU with room for such a request
 * @room: bytes of request context
 *
 * Context: bottom halves off. Return: the job, which stays the CPU's, or NULL.
 */
struct bowtie_esp_job *bowtie_esp_job_grow(unsigned int room)
{
	/* A power of two is aligned to itself. */
	unsigned int size = roundup_pow_of_two(sizeof(struct bowtie_esp_job) + room);
	struct bowtie_esp_job *job = kzalloc(size, GFP_ATOMIC | __GFP_NOWARN);

	if (!job)
		return NULL;
	job->room = size - sizeof(*job);
	sg_init_table(&job->linear, 1);
	kfree_sensitive(__this_cpu_read(bowtie_esp_jobs));
	__this_cpu_write(bowtie_esp_jobs, job);
	return job;
}

/**
 * bowtie_esp_job_wait() - the transform will complete later
 * @job: this CPU's job, from now on no CPU's; what a completed packet needs is held
 *
 * Context: RCU read side, bottom halves off.
 * Return: true if it has completed meanwhile: then the caller finishes the packet and
 * frees the job, else the completion does.
 */
bool bowtie_esp_job_wait(struct bowtie_esp_job *job)
{
	__this_cpu_write(bowtie_esp_jobs, NULL);
	xfrm_state_hold(job->x);
	atomic_inc(&bowtie_pernet(xs_net(job->x))->jobs);
	return cmpxchg(&job->state, BOWTIE_ESP_JOB_CALLED, BOWTIE_ESP_JOB_WAITS) ==
	       BOWTIE_ESP_JOB_DONE;
}

/**
 * bowtie_esp_job_complete() - the transform has completed
 * @job: job, no CPU's
 * @err: what it has said
 *
 * Context: softirq or bottom halves off. Return: true if the caller finishes the packet.
 */
bool bowtie_esp_job_complete(struct bowtie_esp_job *job, int err)
{
	/* It has only left the queue of a busy device. */
	if (err == -EINPROGRESS)
		return false;
	job->err = err;
	return xchg(&job->state, BOWTIE_ESP_JOB_DONE) == BOWTIE_ESP_JOB_WAITS;
}

/**
 * bowtie_esp_job_free() - a packet whose transform completed later is finished
 * @job: its job
 *
 * Context: as bowtie_esp_job_complete().
 */
void bowtie_esp_job_free(struct bowtie_esp_job *job)
{
	struct bowtie_net *bn = bowtie_pernet(xs_net(job->x));

	xfrm_state_put(job->x);
	kfree_sensitive(job);
	if (atomic_dec_and_test(&bn->jobs))
		wake_up_var(&bn->jobs);
}

/**
 * bowtie_esp_drain() - wait for the packets whose transforms complete later
 * @bn: underlay in which nobody sends or receives any more
 *
 * Context: process.
 */
void bowtie_esp_drain(struct bowtie_net *bn)
{
	wait_var_event(&bn->jobs, !atomic_read(&bn->jobs));
}

/**
 * bowtie_esp_exit() - free the memory
 *
 * Context: process; nobody sends or receives any more, and all underlays are drained.
 */
void bowtie_esp_exit(void)
{
	int cpu;

	/* The last completion was in softirq, and may not have returned. */
	synchronize_rcu();
	for_each_possible_cpu(cpu)
		kfree_sensitive(per_cpu(bowtie_esp_jobs, cpu));
}
