/-! Subarrays, ranges, slices of strings, characters, bytes. -/
def middle (xs : Array Nat) : Nat := Id.run do
  let mut s := 0
  for x in xs[1:3] do s := s + x
  return s
#guard middle #[1, 2, 3, 4] == 5
#guard #[1, 2, 3, 4][1:3].toArray == #[2, 3]
#guard (#[1, 2, 3][:2].foldl (· + ·) 0) == 3
#guard #[5, 6, 7].toSubarray.size == 3
#guard ((1...4).toList) == [1, 2, 3]
#guard ((1...=4).toList) == [1, 2, 3, 4]
#guard (#[1, 2, 3, 4].extract 1 3) == #[2, 3]
#guard "hello world".startsWith "hello"
#guard "a,b,c".splitOn "," == ["a", "b", "c"]
#guard ("  x ".trimAscii.toString) == "x"
#guard "abc".toList == ['a', 'b', 'c']
#guard String.ofList ['x', 'y'] == "xy"
#guard "abc".foldl (fun n c => n + c.toNat) 0 == 294
#guard ("abc".map Char.toUpper) == "ABC"
#guard "héllo".length == 5 && "héllo".utf8ByteSize == 6
#guard ("one two".toSlice.startsWith "one")
#guard ",".intercalate ["a", "b"] == "a,b"
#guard "42".toNat? == some 42 && "x".toInt? == none
#guard ("abc" ++ "def").endsWith "def"
#guard "abc" < "abd"
#guard 'a'.isAlpha && '1'.isDigit && ' '.isWhitespace
#guard (Char.ofNat 955) == 'λ'
#guard "λx".toUTF8.size == 3
#guard "ab\tc\n".length == 5
#guard r"raw\n".length == 5
#guard "x".isEmpty == false && "".isEmpty
#guard (toString 3.5).startsWith "3.5"
#guard #['a', 'b'].map (·.toNat) == #[97, 98]
#guard [3, 1, 2].mergeSort == [1, 2, 3]
#guard #[3, 1, 2].qsort (· < ·) == #[1, 2, 3]
#guard [1, 2, 3, 4].partition (· > 2) == ([3, 4], [1, 2])
#guard ([1, 2].zip ["a", "b"]) == [(1, "a"), (2, "b")]
#guard (List.range 5).filterMap (fun n => if n % 2 = 0 then some (n * n) else none) == [0, 4, 16]
#guard #[1, 2, 3].any (· == 2) && [1, 2, 3].all (· < 4)
#guard (#[1, 2, 3].foldr (fun x acc => acc ++ [x]) []) == [3, 2, 1]
theorem append_length (xs ys : Array α) : (xs ++ ys).size = xs.size + ys.size := by simp
theorem getElem_push (xs : Array Nat) (a : Nat) : (xs.push a)[xs.size]'(by simp) = a := by simp
example (xs : Array Nat) (h : 0 < xs.size) : xs[0] ∈ xs := by simp
example (v : Vector Nat 3) : v.size = 3 := by simp
#guard #v[1, 2, 3].toArray == #[1, 2, 3]
