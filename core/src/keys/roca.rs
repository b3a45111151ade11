//! The fingerprint of RSA moduli made by the flawed generator of CVE-2017-15361 (ROCA).

/// The odd primes up to 167, as in the published test.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the modulus is a power of 65537 modulo every one of the small primes, as those of the flawed generator are
/// and others are with a chance below one in 10^8.
pub(crate) fn has_fingerprint(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| is_power_of_65537(remainder(modulus, *prime), *prime))
}

fn remainder(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_power_of_65537(value: u32, prime: u32) -> bool {
    let mut power = 1;
    for _ in 0..prime {
        if power == value {
            return true;
        }
        power = power * (65537 % prime) % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_65537_have_the_fingerprint_and_their_neighbours_do_not() {
        let power = 65537_u64.pow(3);
        assert!(has_fingerprint(&power.to_be_bytes()));
        assert!(!has_fingerprint(&(power + 2).to_be_bytes()));
        assert!(!has_fingerprint(&[]));
    }
}
