;;; lean4-mode.el --- what of lean4-mode starts Lean's server  -*- lexical-binding: t; -*-
;;
;; Stands in for https://github.com/leanprover-community/lean4-mode, which no package archive has: it reads
;; `lean4-rootdir' and starts the server by the same rules, through the same lsp-mode.

(require 'lsp-mode)

(defvar lean4-rootdir nil "The folder of a toolchain.")

(defun lean4--executable (name)
  "The path of the toolchain's program NAME."
  (expand-file-name name (expand-file-name "bin" lean4-rootdir)))

(defun lean4--server-cmd ()
  "Lake's server, where there is a Lake and it is not too old; else Lean's own."
  (let ((lake (lean4--executable "lake"))
        (lean (list (lean4--executable "lean") "--server")))
    (condition-case nil
        (if (string-version-lessp (car (process-lines lake "--version")) "3.1.0") lean (list lake "serve"))
      (error lean))))

(define-derived-mode lean4-mode prog-mode "Lean 4"
  "Files of Lean 4."
  (let ((root (locate-dominating-file (buffer-file-name) "lean-toolchain")))
    (when root (lsp-workspace-folders-add root))))

(add-to-list 'auto-mode-alist '("\\.lean\\'" . lean4-mode))
(add-to-list 'lsp-language-id-configuration '(lean4-mode . "lean"))
(add-hook 'lean4-mode-hook #'lsp)
(lsp-register-client
 (make-lsp-client :new-connection (lsp-stdio-connection #'lean4--server-cmd)
                  :major-modes '(lean4-mode)
                  :server-id 'lean4-lsp))

(provide 'lean4-mode)
