//! Bytes of one or two vectors in another order.
//!
//! Any order is two table lookups and an `or`. Orders that one instruction has are recognized;
//! compilers write most of theirs so that they are.

use tierup_asm::{Operation, vector};

use super::operands::{Order, lanes8};
use crate::generator::{Generated, Generator};

/// The lanes of a shuffle: 0 to 15 are of the left operand, 16 to 31 of the right one.
type Lanes = [u8; 16];

/// Instructions that take lanes from both operands in turn: bytes of a lane, whether the upper
/// half.
const INTERLEAVING: [(Operation, u8, bool); 8] = [
    (vector::INTERLEAVE8_LOW, 1, false),
    (vector::INTERLEAVE8_HIGH, 1, true),
    (vector::INTERLEAVE16_LOW, 2, false),
    (vector::INTERLEAVE16_HIGH, 2, true),
    (vector::INTERLEAVE32_LOW, 4, false),
    (vector::INTERLEAVE32_HIGH, 4, true),
    (vector::INTERLEAVE64_LOW, 8, false),
    (vector::INTERLEAVE64_HIGH, 8, true),
];

impl Generator<'_> {
    pub(crate) fn visit_i8x16_shuffle(&mut self, lanes: Lanes) -> Generated {
        if lanes.iter().any(|&lane| lane >= 32) {
            return Err(self.invalid("an unknown lane"));
        }
        if lanes.iter().all(|&lane| lane < 16) {
            let (_, right) = self.pop_value()?;
            self.free(right);
            return self.reorder(lanes);
        }
        if lanes.iter().all(|&lane| lane >= 16) {
            let (ty, right) = self.pop_value()?;
            let (_, left) = self.pop_value()?;
            self.free(left);
            let right = self.own_xmm(ty, right);
            self.push_vector(right);
            return self.reorder(lanes.map(|lane| lane - 16));
        }
        if let Some((operation, order)) = interleaving(&lanes) {
            return self.vector_binary(operation, order);
        }
        if let Some(first) = consecutive(&lanes) {
            let (target, operand, read) = self.pop_vectors(Order::Reversed)?;
            self.apply_byte((vector::SHIFT_PAIR, first), target, operand);
            self.free(read);
            self.push_vector(target);
            return Ok(());
        }
        self.shuffle_in_general(lanes)
    }

    /// Replaces a vector by its bytes in another order.
    fn reorder(&mut self, lanes: Lanes) -> Generated {
        if let Some(order) = order32(&lanes) {
            let (operand, read) = self.pop_vector_operand()?;
            self.free(read);
            let target = self.new_xmm();
            self.apply_byte((vector::ORDER32, order), target, operand);
            self.push_vector(target);
            return Ok(());
        }
        let target = self.pop_vector()?;
        let table = self.known(u128::from_le_bytes(lanes));
        self.apply(vector::SHUFFLE8, target, table);
        self.push_vector(target);
        Ok(())
    }

    /// Lanes of the other operand become 0 in each half of the work.
    fn shuffle_in_general(&mut self, lanes: Lanes) -> Generated {
        let right = self.pop_vector()?;
        let left = self.pop_vector()?;
        let from_left = lanes.map(|lane| if lane < 16 { lane } else { 0x80 });
        let from_right = lanes.map(|lane| if lane < 16 { 0x80 } else { lane - 16 });
        let table = self.known(u128::from_le_bytes(from_left));
        self.apply(vector::SHUFFLE8, left, table);
        let table = self.known(u128::from_le_bytes(from_right));
        self.apply(vector::SHUFFLE8, right, table);
        self.apply(vector::OR, left, right);
        self.registers.free_xmm(right);
        self.push_vector(left);
        Ok(())
    }

    /// Indices from 16 to 127 get their highest bit, which means 0; higher ones keep theirs.
    pub(crate) fn visit_i8x16_swizzle(&mut self) -> Generated {
        let indices = self.pop_vector()?;
        let target = self.pop_vector()?;
        let beyond = self.known(lanes8(0x70));
        self.apply(vector::ADD8_UNSIGNED, indices, beyond);
        self.apply(vector::SHUFFLE8, target, indices);
        self.registers.free_xmm(indices);
        self.push_vector(target);
        Ok(())
    }
}

/// The instruction that takes these lanes in turn, and in which order of operands.
fn interleaving(lanes: &Lanes) -> Option<(Operation, Order)> {
    INTERLEAVING.iter().find_map(|&(operation, size, upper)| {
        let is_order = |turned: bool| {
            (0..16).zip(lanes).all(|(index, &lane)| {
                let (number, byte) = (index / size, index % size);
                let second = (number % 2 == 1) != turned;
                let start = if upper { 8 } else { 0 };
                lane == start + number / 2 * size + byte + if second { 16 } else { 0 }
            })
        };
        let turned = is_order(true);
        (turned || is_order(false))
            .then_some((operation, if turned { Order::Reversed } else { Order::Fixed }))
    })
}

/// The first lane, if the others follow it.
fn consecutive(lanes: &Lanes) -> Option<u8> {
    let first = lanes[0];
    (0..16).zip(lanes).all(|(index, &lane)| lane == first + index).then_some(first)
}

/// The order of lanes of 32 bits, two bits for each.
fn order32(lanes: &Lanes) -> Option<u8> {
    let mut order = 0;
    for (number, lane) in lanes.chunks(4).enumerate() {
        let first = lane[0];
        if first % 4 != 0 || (0..4).zip(lane).any(|(index, &it)| it != first + index) {
            return None;
        }
        order |= (first / 4) << (2 * number);
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lanes of `size` bytes by their numbers.
    fn lanes(size: u8, numbers: &[u8]) -> Lanes {
        let bytes = numbers.iter().flat_map(|&it| (0..size).map(move |byte| it * size + byte));
        bytes.collect::<Vec<_>>().try_into().unwrap()
    }

    #[test]
    fn orders_of_one_instruction_are_recognized() {
        let low = lanes(4, &[0, 4, 1, 5]);
        assert_eq!(interleaving(&low), Some((vector::INTERLEAVE32_LOW, Order::Fixed)));
        let high = lanes(2, &[12, 4, 13, 5, 14, 6, 15, 7]);
        assert_eq!(interleaving(&high), Some((vector::INTERLEAVE16_HIGH, Order::Reversed)));
        assert_eq!(interleaving(&lanes(4, &[0, 4, 1, 6])), None);
        assert_eq!(consecutive(&lanes(4, &[1, 2, 3, 4])), Some(4));
        assert_eq!(consecutive(&lanes(4, &[1, 2, 3, 0])), None);
        assert_eq!(order32(&lanes(4, &[3, 2, 1, 0])), Some(0b00_01_10_11));
        assert_eq!(order32(&lanes(2, &[1, 2, 0, 1, 0, 1, 0, 1])), None);
    }
}
